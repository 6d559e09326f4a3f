"""Speech of the openai runner: what it sends, and the sound as it comes."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from breeze.contracts.errors import (
    AuthenticationError,
    ProcessingError,
    RateLimitError,
    RunnerError,
)
from breeze.contracts.events import Adjusted, AudioChunk, Finish
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.values import Usage
from breeze.runners._sound_form import Form, encoding_of, form_of
from breeze.testing.media import pcm, wav
from tests.runners.asking import running, sse, streaming
from tests.runners.asking import whole as in_one
from tests.runners.openai_vendor import MODEL, events_of, serving, whole
from tests.runners.standin import Exchange, StandIn

TEXT = "The quick brown fox jumps over the lazy dog."


def saying(**fields: object) -> SpeakRequest:
    return SpeakRequest(TEXT, model=MODEL, **fields)  # type: ignore[arg-type]


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving() as server:
        yield server


@pytest.mark.parametrize(
    ("format", "rate"), [("wav", 24_000), ("pcm", 24_000), ("mp3", 0), ("opus", 0), ("flac", 0)]
)
async def test_sound_comes_in_pieces(format: str, rate: int) -> None:
    async with serving() as (vendor, runner):
        events = [e async for e in events_of(runner, saying(format=format))]
    chunks = [e for e in events if isinstance(e, AudioChunk)]
    *_, usage, finish = events
    assert len(chunks) > 1
    assert {c.format for c in chunks} == {format}
    if rate:
        assert {(c.sample_rate, c.channels) for c in chunks} == {(rate, 1)}
    assert (usage, finish) == (Usage(characters=len(TEXT)), Finish())
    assert vendor.calls[0].json == {
        "input": TEXT, "model": MODEL, "voice": "alloy", "response_format": format,
    }  # fmt: skip


async def test_what_is_asked_is_sent() -> None:
    async with serving(voice="verse") as (vendor, runner):
        await whole(runner, saying(speed=1.5, instructions="Whisper."))
        await whole(runner, saying(voice="ash"))
    first, second = (call.json for call in vendor.calls)
    assert first["voice"] == "verse"
    assert (first["speed"], first["instructions"]) == (1.5, "Whisper.")
    assert second["voice"] == "ash"
    assert not {"speed", "instructions", "stream_format"} & second.keys()


async def test_events_say_what_was_used() -> None:
    async with serving(speech_stream="sse") as (vendor, runner):
        said = await whole(runner, saying(format="pcm"))
        plain = await whole(runner, saying(format="pcm", id="b"))
    assert vendor.calls[0].json["stream_format"] == "sse"
    assert said.audio == plain.audio
    assert said.usage.characters == len(TEXT)
    assert said.usage.prompt_tokens > 0 < said.usage.completion_tokens


async def test_what_has_no_place_is_told() -> None:
    async with serving() as (_, runner):
        said = await whole(runner, saying(format="wav", language="en-GB", sample_rate=8_000))
    assert [(a.field, a.asked, a.used) for a in said.adjustments] == [
        ("language", "en-GB", ""), ("sample_rate", 8_000, 24_000),
    ]  # fmt: skip


async def test_a_server_that_knows_one_format_is_believed(server: StandIn) -> None:
    sound = wav(0.1, 16_000)
    server.play(in_one(sound, content_type="audio/mpeg"))
    async with running(server) as runner:
        events = [e async for e in runner.speak(saying(format="mp3"))]
    assert events[0] == Adjusted("format", "mp3", "wav", "the server chose it")
    assert events[1] == AudioChunk(sound, 0, 16_000, 1, "wav")


async def test_sound_may_begin_as_a_text_does(server: StandIn) -> None:
    """Samples are any bytes: only what is text all along is none."""
    sound = b"data:" + pcm(0.1)
    server.play(in_one(sound, content_type="audio/pcm"))
    async with running(server) as runner:
        assert (await whole(runner, saying(format="pcm"))).audio == sound


async def test_the_first_sound_does_not_wait_for_the_rest(server: StandIn) -> None:
    sound = pcm(0.2, 24_000)

    async def script(exchange: Exchange) -> None:
        await exchange.stream(content_type="audio/pcm")
        await exchange.chunk(sound)
        await exchange.left()

    server.play(script)
    async with running(server) as runner:
        stream = runner.speak(saying(format="pcm"))
        assert await anext(stream) == AudioChunk(sound, 0, 24_000)
        await stream.aclose()


@pytest.mark.parametrize(
    ("body", "mime", "kind"),
    [
        (b'{"error":{"message":"no","code":"rate_limit_exceeded"}}', "application/json",
         RateLimitError),
        (b"<html>Welcome</html>", "text/html", ProcessingError),
        (b'{"text":"no sound"}', "application/json", ProcessingError),
        (b"", "audio/wav", ProcessingError),
        (b'data: {"error":{"message":"no","code":"rate_limit_exceeded"}}\n\n', "audio/wav",
         RateLimitError),
        (b'event: error\ndata: {"error":{"message":"no","code":"rate_limit_exceeded"}}\n\n',
         "audio/mpeg", RateLimitError),
        (b'{"error":{"message":"no","code":"rate_limit_exceeded"}}', "audio/pcm", RateLimitError),
        (b'data: {"error":"The engine died, and nobody knows why it did not live longer."}\n\n',
         "", ProcessingError),
        (b"<!doctype html><html><body>" + b"<p>Welcome</p>" * 20, "audio/mpeg", ProcessingError),
    ],
)  # fmt: skip
async def test_what_is_no_sound_is_an_error(
    server: StandIn, body: bytes, mime: str, kind: type[RunnerError]
) -> None:
    server.play(in_one(body, content_type=mime))
    async with running(server) as runner:
        with pytest.raises(kind):
            await whole(runner, saying())


def spoken(*audio: bytes) -> list[dict[str, str]]:
    return [{"type": "speech.audio.delta", "audio": base64.b64encode(a).decode()} for a in audio]


async def test_events_without_their_end_were_cut(server: StandIn) -> None:
    server.play(streaming(sse(*spoken(pcm(0.1)))))
    async with running(server, speech_stream="sse") as runner:
        with pytest.raises(ProcessingError) as caught:
            await whole(runner, saying(format="pcm"))
    assert caught.value.detail == "cut"


async def test_an_error_among_events_is_its_own_kind(server: StandIn) -> None:
    error = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
    server.play(streaming(sse(*spoken(pcm(0.1)), error)))
    async with running(server, speech_stream="sse") as runner:
        with pytest.raises(RateLimitError):
            await whole(runner, saying(format="pcm"))


async def test_unknown_events_are_passed_over(server: StandIn) -> None:
    done = {"type": "speech.audio.done", "usage": {"output_tokens": 3}}
    server.play(streaming(sse({"type": "speech.audio.begun"}, *spoken(pcm(0.1)), done, "[DONE]")))
    async with running(server, speech_stream="sse") as runner:
        said = await whole(runner, saying(format="pcm"))
    assert (said.audio, said.usage.completion_tokens) == (pcm(0.1), 3)


@pytest.mark.parametrize("fault", ["drop-chunked", "stall"])
async def test_sound_that_breaks_off_is_an_error(fault: str, server: StandIn) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.stream(content_type="audio/wav")
        await exchange.chunk(wav(0.2))
        if fault == "stall":
            await exchange.left()
        else:
            exchange.close()

    server.play(script)
    async with running(server, timeout=1) as runner:
        with pytest.raises(RunnerError) as caught:
            await whole(runner, saying())
    assert caught.value.detail == ("timeout" if fault == "stall" else "cut")


async def test_a_wrong_key_is_told_without_the_key() -> None:
    async with serving(api_key="wrong-key-1") as (_, runner):
        with pytest.raises(AuthenticationError) as caught:
            await whole(runner, saying())
    assert "wrong-key-1" not in caught.value.message


MP3 = bytes.fromhex("fffb9064") + bytes(80)
AAC = bytes.fromhex("fff15080") + bytes(80)


@pytest.mark.parametrize(
    ("data", "expected", "form"),
    [
        (wav(0.1, 22_050), "wav", Form("wav", 22_050, 1)),
        (MP3, "mp3", Form("mp3", 44_100, 2)),
        (b"ID3\4\0\0\0\0\0\x04abcd" + MP3, "mp3", Form("mp3", 44_100, 2)),
        (AAC, "aac", Form("aac", 44_100, 2)),
        (b"fLaC\0\0\0\x22" + bytes(10) + (48_000 << 12 | 1 << 9).to_bytes(4, "big"), "flac",
         Form("flac", 48_000, 2)),
        (b"OggS" + bytes(24) + b"OpusHead\1\2" + bytes(20), "opus", Form("opus", 48_000, 2)),
        (b"\xff\xfe\1\2" * 20, "pcm", Form("pcm")),
        (b"???" * 30, "mp3", Form("mp3")),
        (b"RIFF", "wav", Form("wav")),
    ],
)  # fmt: skip
def test_the_first_bytes_tell_the_form(data: bytes, expected: str, form: Form) -> None:
    assert form_of(data, expected) == form


def test_the_encoding_of_uploads() -> None:
    assert encoding_of(b"\0\0\0\x20ftypM4A ") == "m4a"
    assert encoding_of(b"\x1aE\xdf\xa3") == "webm"
    assert encoding_of(b"hello") == ""
