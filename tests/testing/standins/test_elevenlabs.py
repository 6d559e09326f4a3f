"""The stand-in of ElevenLabs, byte by byte."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from breeze.runners._audio import decode
from breeze.testing.media import wav
from breeze.testing.standins._elevenlabs_sound import sound
from breeze.testing.standins.elevenlabs import ElevenLabsStandin, voice_id
from tests.testing.standins.wire import answered, asking, request

SPEECH = f"/v1/text-to-speech/{voice_id(0)}"
KEY = {"xi_api_key": "test-key"}


def saying(text: str = "Hi you", path: str = SPEECH, **fields: Any) -> bytes:
    return asking({"text": text, **fields}, path, **KEY)


def error(body: bytes) -> dict[str, Any]:
    detail = msgspec.json.decode(body)["detail"]
    assert isinstance(detail, dict)
    return detail


@pytest.mark.parametrize("route", ["", "/stream"])
async def test_sound_follows_from_the_text(route: str) -> None:
    path = f"{SPEECH}{route}?output_format=pcm_16000"
    async with ElevenLabsStandin.serving() as vendor:
        status, headers, body = await answered(vendor, saying(path=path))
    assert (status, headers["content-type"]) == (200, "audio/pcm")
    assert len(body) == 6 * 0.02 * 32_000
    assert body == sound("Hi you", "pcm_16000")
    assert headers["character-cost"] == "6"
    assert headers["maximum-concurrent-requests"] == "5"
    assert ("transfer-encoding" in headers) == (route == "/stream")


@pytest.mark.parametrize("wire", ["mp3_44100_128", "mp3_22050_32", "opus_48000_64", "wav_16000"])
def test_what_it_says_can_be_played(wire: str) -> None:
    played = b"".join(decode(sound("x" * 50, wire), 8_000, 10))
    assert len(played) / 16_000 == pytest.approx(1.0, abs=0.06)


async def test_lines_tell_when_each_letter_is_spoken() -> None:
    path = f"{SPEECH}/stream/with-timestamps?output_format=pcm_8000"
    async with ElevenLabsStandin.serving() as vendor:
        _, _, body = await answered(vendor, saying("Hello there", path))
    lines = [msgspec.json.decode(line) for line in body.splitlines()]
    letters = [c for line in lines for c in line["alignment"]["characters"]]
    assert "".join(letters) == "Hello there"
    data = b"".join(base64.b64decode(line["audio_base64"]) for line in lines)
    assert data == sound("Hello there", "pcm_8000")
    assert lines[1]["alignment"]["character_start_times_seconds"][0] == pytest.approx(0.16)


@pytest.mark.parametrize("wire", ["mp3_44100_128", "opus_48000_64"])
async def test_sound_in_lines_is_the_same_as_plain(wire: str) -> None:
    path = f"{SPEECH}/stream/with-timestamps?output_format={wire}"
    async with ElevenLabsStandin.serving() as vendor:
        _, _, body = await answered(vendor, saying("Hello there", path))
    lines = [msgspec.json.decode(line) for line in body.splitlines()]
    data = b"".join(base64.b64decode(line["audio_base64"]) for line in lines)
    assert data == sound("Hello there", wire)


async def test_the_key_stands_in_its_own_header() -> None:
    async with ElevenLabsStandin.serving() as vendor:
        status, _, body = await answered(vendor, asking({"text": "Hi"}, SPEECH))
    assert (status, error(body)["status"]) == (401, "invalid_api_key")


async def test_the_newer_errors_say_more() -> None:
    async with ElevenLabsStandin.serving(profile="new") as vendor:
        vendor.fault("quota")
        status, _, body = await answered(vendor, saying())
    assert status == 401
    assert error(body)["code"] == error(body)["status"] == "quota_exceeded"
    assert error(body).keys() == {"status", "message", "type", "code", "request_id"}


@pytest.mark.parametrize(
    ("sent", "status", "word"),
    [
        (saying("x" * 10_001), 400, "max_character_limit_exceeded"),
        (saying(model_id="none"), 404, "model_not_found"),
        (saying(path="/v1/text-to-speech/nobody"), 404, "voice_not_found"),
    ],
)
async def test_what_cannot_be_said(sent: bytes, status: int, word: str) -> None:
    async with ElevenLabsStandin.serving() as vendor:
        found, _, body = await answered(vendor, sent)
    assert (found, error(body)["status"]) == (status, word)


async def test_half_a_second_is_heard_as_a_word() -> None:
    sep = b"--x\r\nContent-Disposition: form-data; name="
    form = b'%b"model_id"\r\n\r\nscribe_v1\r\n%b"file"; filename="a.wav"\r\n\r\n%b\r\n--x--\r\n'
    body = form % (sep, sep, wav(1.5))
    kind = "multipart/form-data; boundary=x"
    sent = request("POST", "/v1/speech-to-text", body, content_type=kind, xi_api_key="test-key")
    async with ElevenLabsStandin.serving() as vendor:
        _, _, answer = await answered(vendor, sent)
    found = msgspec.json.decode(answer)
    assert (found["text"], found["language_code"]) == ("one two three(laughter)", "eng")
    assert [word["type"] for word in found["words"]] == [
        "word", "spacing", "word", "spacing", "word", "audio_event",
    ]  # fmt: skip


async def test_voices_come_on_pages() -> None:
    async with ElevenLabsStandin.serving() as vendor:
        path = "/v2/voices?page_size=100&next_page_token=100"
        sent = request("GET", path, xi_api_key="test-key")
        _, _, body = await answered(vendor, sent)
    found = msgspec.json.decode(body)
    assert len(found["voices"]) == 20
    assert (found["has_more"], found["next_page_token"], found["total_count"]) == (False, None, 120)
