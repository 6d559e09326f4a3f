"""What the elevenlabs runner sends is what the official client sends for the same call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.request import Request
from breeze.contracts.requests import SpeakRequest, TranscribeRequest
from breeze.testing.media import wav
from breeze.testing.standins import Call
from breeze.testing.standins.elevenlabs import ElevenLabsStandin
from tests.clients.recording import recorded
from tests.runners.elevenlabs_asking import MODEL, TEXT, events, running, saying

pytestmark = pytest.mark.timeout(900)  # the first run installs the client
SOUND = wav(2.0, tone=0)
TIMED, PLAIN = {"timestamps": True}, {"verify_end": False}
SETTINGS: dict[str, Any] = {
    "stability": 0.1, "similarity_boost": 0.2, "style": 0.3, "speaker_boost": "off", "seed": 4,
    "normalization": "off", "previous_text": "Before.", "next_text": "After.",
    "pronunciation": "d1:v1", "bitrate": "64", "keep_logs": False,
}  # fmt: skip
SPEECH = SpeakRequest(TEXT, model=MODEL, speed=1.1, language="de-AT", format="mp3")
HEARD: dict[str, Any] = {
    "audio_events": True, "diarize": True, "speakers": 2, "keyterms": "Oslo, Ada Lovelace",
    "seed": 3, "keep_logs": False,
}  # fmt: skip
CALLS: dict[str, tuple[dict[str, Any], Request[Any]]] = {
    "speak_plain": (PLAIN, saying(format="pcm", whole=True)),
    "speak_streamed": ({}, saying(format="opus", params=PLAIN)),
    "speak_settings": (SETTINGS | PLAIN, SPEECH),
    "speak_timed": ({}, saying(params=TIMED)),
    "speak_checked": (SETTINGS, SPEECH),
    "speak_timed_whole": ({}, saying(format="mp3", params=TIMED, whole=True)),
    "hear_plain": ({}, TranscribeRequest(audio=SOUND, model="scribe_v2")),
    "hear_settings": (HEARD, TranscribeRequest(audio=SOUND, model="scribe_v1", language="",
                                               temperature=0.5)),
}  # fmt: skip
"""Parameters and request of our runner for each call of the official client."""


NULLS = {"entity_detection", "entity_redaction", "webhook_metadata"}
"""The client says `null` in these fields of a form when nobody asked for anything."""


def shown(call: Call) -> dict[str, Any]:
    """What of a call counts. The order of queries and of forms' fields does not."""
    said = [part for part in call.form if not (part.name in NULLS and part.text == "null")]
    form = sorted((part.name, part.text, part.filename) for part in said)
    return {
        "method": call.method,
        "path": call.path,
        "query": call.query,
        "type": call.headers.get("content-type", "").partition(";")[0],
        "key": call.headers.get("xi-api-key"),
        "body": form or (call.json if call.body else None),
    }


async def ours(vendor: ElevenLabsStandin, name: str) -> Call:
    """The same call by our runner."""
    values, request = CALLS[name]
    async with running(vendor, **values) as runner:
        await events(runner, request)
    return vendor.calls[-1]


async def test_every_call_is_the_same_on_the_wire(tmp_path: Path) -> None:
    async with ElevenLabsStandin.serving() as vendor:
        official = await recorded("elevenlabs", "elevenlabs_calls", vendor, tmp_path)
        found = {name: await ours(vendor, name) for name in CALLS}
        async with running(vendor) as runner:
            await runner.models()
            found["list_models"] = vendor.calls[-1]
            await runner.voices()
            found["list_voices"], found["list_voices_next"] = vendor.calls[-2:]
    assert found.keys() == official.calls.keys()
    for name, call in found.items():
        assert shown(call) == shown(official.calls[name]), name


async def test_the_client_understands_the_stand_in(tmp_path: Path) -> None:
    async with ElevenLabsStandin.serving() as vendor:
        seen = (await recorded("elevenlabs", "elevenlabs_calls", vendor, tmp_path)).returned
    assert seen["speak_plain"] == len(TEXT) * 960
    assert seen["speak_streamed"] > 100
    timed = ("speak_timed", "speak_checked", "speak_timed_whole")
    assert [seen[name] for name in timed] == [list(TEXT)] * 3
    assert seen["hear_plain"] == "one two three four"
    assert seen["hear_settings"][-1] == "(laughter)"
    assert seen["list_models"][0] == ["eleven_flash_v2_5", 40_000]
    assert seen["list_voices"] == [100, True, "100"]
    assert seen["list_voices_next"] == 20
