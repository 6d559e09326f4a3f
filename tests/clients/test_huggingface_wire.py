"""What the huggingface runner sends is what the official client sends for the same call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.requests import DrawRequest, EmbedRequest, SpeakRequest, TranscribeRequest
from breeze.testing.media import wav
from breeze.testing.standins import Call
from breeze.testing.standins.huggingface import HuggingFaceStandin
from tests.clients.scripted import run
from tests.runners.huggingface_asking import events, running

pytestmark = pytest.mark.timeout(900)  # the first run installs the client
WHISPER = "openai/whisper-large-v3"
SIZE = {"size": "64x48"}
OURS: list[tuple[dict[str, Any], Any]] = [
    ({}, TranscribeRequest(file="a.wav", model=WHISPER, timestamps="none")),
    ({}, TranscribeRequest(file="a.wav", model=WHISPER, temperature=0.25)),
    ({}, SpeakRequest("Good morning", model="org/tts-1")),
    ({}, DrawRequest.of("A red house", model="org/painter", size="64x48")),
    ({}, DrawRequest.of("A red house", model="org/painter", size="64x48", steps=5,
                        guidance=2.5, negative_prompt="people", seed=7)),
    ({}, EmbedRequest.of("one", "two", model="org/e5 small")),
    ({}, EmbedRequest.of("one", model="org/e5", dimensions=4)),
    ({"bill_to": "acme"}, SpeakRequest("Hi", model="org/tts-1")),
    ({"dedicated": True}, DrawRequest.of("x")),
]  # fmt: skip
"""Parameters and request of our runner for each call of the official client, in its order."""
HEADERS = ("authorization", "content-type", "x-hf-bill-to")
SIZED = {"width": 512, "height": 512}
"""What a request of ours has where nothing was said of the size."""


def shown(call: Call) -> dict[str, Any]:
    """What of a call counts."""
    kind = call.headers.get("content-type", "")
    return {
        "method": call.method,
        "path": call.path.replace(" ", "%20"),
        "headers": {name: call.headers.get(name) for name in HEADERS},
        "body": call.json if kind.startswith("application/json") else call.body,
    }


async def test_the_bodies_are_those_of_the_official_client(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(0.2))
    async with HuggingFaceStandin.serving() as vendor:
        where = vendor.origin, str(tmp_path)
        _, said = await run("huggingface", "huggingface_calls", tmp_path, *where)
        # The last call goes to an endpoint of one's own, which this profile does not serve.
        theirs = [shown(call) for call in vendor.calls]
        assert len(theirs) == len(OURS), said
        vendor.calls.clear()
        for values, request in OURS:
            if isinstance(request, TranscribeRequest):
                request = _in(tmp_path, request)
            async with running(vendor, **values) as runner:
                await events(runner, request, fails="dedicated" in values)
        ours = [shown(call) for call in vendor.calls]
        vendor.problems.clear()
    theirs[-1]["body"].setdefault("parameters", {}).update(SIZED)
    assert ours == theirs


def _in(folder: Path, request: TranscribeRequest) -> TranscribeRequest:
    import msgspec

    return msgspec.structs.replace(request, file=str(folder / request.file))
