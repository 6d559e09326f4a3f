"""Transcriptions of the openai runner: the form it sends, and what it makes of the answers."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from breeze.contracts.errors import InputError, ProcessingError, RateLimitError, TooLargeError
from breeze.contracts.events import Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.values import Usage, Word
from breeze.runners._openai_hearing import form_parts
from breeze.runners._sound_file import SoundFile
from breeze.testing.media import pcm, wav
from tests.runners.asking import running, sse, streaming
from tests.runners.asking import whole as in_one
from tests.runners.openai_vendor import MODEL, events_of, serving, whole
from tests.runners.standin import StandIn

SOUND = wav(1.0)
HEARD = f"I heard {len(SOUND)} bytes of audio.wav."


def hearing(**fields: Any) -> TranscribeRequest:
    return TranscribeRequest(**{"audio": SOUND, "model": MODEL, **fields})


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving() as server:
        yield server


async def test_times_are_asked_for() -> None:
    async with serving() as (vendor, runner):
        found = await whole(runner, hearing(prompt="Engine", temperature=0.2))
    assert found.text == HEARD
    assert found.language == "en"
    (segment,) = found.segments
    assert [word.text for word in segment.words] == HEARD.split()
    assert segment.words[1] == Word("heard", 0.5, 1.0)
    assert segment.confidence == pytest.approx(0.8187, abs=1e-4)
    assert found.usage.audio_seconds > 0
    form = vendor.calls[0].form
    assert [(part.name, part.text) for part in form[:-1]] == [
        ("model", MODEL), ("language", "en"), ("prompt", "Engine"), ("temperature", "0.2"),
        ("response_format", "verbose_json"), ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
    ]  # fmt: skip
    assert (form[-1].name, form[-1].filename, form[-1].mime) == ("file", "audio.wav", "audio/x-wav")
    assert form[-1].data == SOUND


async def test_without_times_the_text_streams() -> None:
    async with serving() as (vendor, runner):
        events = [e async for e in events_of(runner, hearing(timestamps="none"))]
        full = await whole(runner, hearing(timestamps="none", whole=True))
    texts = [e.text for e in events if isinstance(e, Transcript) and not e.is_final]
    assert len(texts) > 2
    assert all(after.startswith(before) for before, after in itertools.pairwise(texts))
    final = [e for e in events if isinstance(e, Transcript) and e.is_final]
    assert [e.text for e in final] == [HEARD] == [full.text]
    assert isinstance(events[-2], Usage)
    assert events[-2].prompt_tokens == 10
    assert vendor.calls[0].value("stream") == "true"
    assert vendor.calls[1].value("stream") == ""


@pytest.mark.parametrize("form", ["json", "text"])
async def test_times_that_cannot_be_had_are_told(form: str) -> None:
    async with serving(transcript_format=form) as (_, runner):
        found = await whole(runner, hearing(timestamps="segment"))
    assert found.text == HEARD
    (note,) = found.adjustments
    assert (note.field, note.asked, note.used) == ("timestamps", "segment", "none")


async def test_a_model_that_ignores_stream_answers_as_a_whole() -> None:
    """What came is told by its content type."""
    async with serving(transcript_format="json") as (vendor, runner):
        found = await whole(runner, hearing(model="whisper-1", timestamps="none"))
    assert found.text == HEARD
    assert vendor.calls[0].value("stream") == "true"


async def test_samples_become_a_file() -> None:
    samples = pcm(0.5, 8_000)
    async with serving() as (vendor, runner):
        found = await whole(runner, hearing(audio=samples, sample_rate=8_000))
    file = vendor.calls[0].form[-1]
    assert file.data == wav(0.5, 8_000)
    assert found.text == f"I heard {len(file.data)} bytes of audio.wav."


async def test_a_live_source_becomes_a_file() -> None:
    async def spoken() -> AsyncIterator[bytes]:
        yield pcm(0.5)
        yield pcm(0.5)

    async with serving() as (vendor, runner):
        request = TranscribeRequest(live=spoken(), sample_rate=16_000, model=MODEL)
        await whole(runner, request)
    assert len(vendor.calls[0].form[-1].data) == len(SOUND)


async def test_a_file_is_sent_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "said.mp3"
    file.write_bytes(b"ID3" + bytes(100))
    async with serving() as (vendor, runner):
        await whole(runner, hearing(audio=b"", file=str(file)))
        with pytest.raises(InputError) as missing:
            await whole(runner, hearing(audio=b"", file=str(tmp_path / "none.wav")))
    part = vendor.calls[0].form[-1]
    assert (part.filename, part.mime, len(part.data)) == ("said.mp3", "audio/mpeg", 103)
    assert missing.value.field == "file"


@pytest.mark.parametrize("how", ["audio", "file", "live", "samples"])
async def test_too_much_sound_is_not_sent(tmp_path: Path, how: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield pcm(1.0)

    file = tmp_path / "long.wav"
    file.write_bytes(wav(2.0))
    ways: dict[str, dict[str, Any]] = {
        "audio": {"audio": wav(2.0)},
        "file": {"audio": b"", "file": str(file)},
        "live": {"audio": b"", "live": endless(), "sample_rate": 16_000},
        "samples": {"audio": pcm(2.0), "sample_rate": 16_000},
    }
    async with serving(upload_limit=0.05) as (vendor, runner):
        with pytest.raises(TooLargeError):
            await whole(runner, hearing(**ways[how]))
    assert vendor.calls == []


def names(form: str, **fields: Any) -> list[tuple[str, bytes]]:
    sound = SoundFile(b"x", "a.wav", "audio/x-wav")
    return [(p.name, p.data) for p in form_parts(hearing(**fields), MODEL, form, sound)][:-1]


@pytest.mark.parametrize(
    ("language", "sent"), [("en-US", b"en"), ("german", b"de"), ("pt_BR", b"pt"), ("", None)]
)
def test_languages_are_sent_as_the_server_knows_them(language: str, sent: bytes | None) -> None:
    assert dict(names("json", language=language)).get("language") == sent


def test_only_segments_when_no_words_are_wanted() -> None:
    sent = names("verbose_json", timestamps="segment")
    assert [v for n, v in sent if n.startswith("timestamp")] == [b"segment"]


# answers of others ------------------------------------------------------------------------


async def heard(server: StandIn, body: Any, mime: str = "application/json") -> Any:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    server.play(in_one(data, content_type=mime))
    async with running(server) as runner:
        return await whole(runner, hearing())


async def test_words_go_to_their_segments(server: StandIn) -> None:
    found = await heard(
        server,
        {
            "text": "One two. Three.", "language": "german", "duration": "3.5",
            "segments": [{"text": " One two.", "start": 0, "end": 1.2},
                         {"text": " Three.", "start": 1.2, "end": 3}],
            "words": [{"word": " One", "start": 0, "end": 0.5}, {"text": "two", "start": 0.6,
                      "end": 1.2}, {"word": "Three", "start": 1.2, "end": 2}],
        },
    )  # fmt: skip
    assert [[w.text for w in s.words] for s in found.segments] == [["One", "two"], ["Three"]]
    assert (found.language, found.usage.audio_seconds) == ("de", 3.5)


@pytest.mark.parametrize(
    ("body", "mime"),
    [
        ({"text": "Hello."}, "application/json"),
        ({"text": "Hello.", "usage": {"type": "duration", "seconds": 2}}, "text/plain"),
        ({"text": "Hello.", "segments": None, "words": []}, "application/json"),
        (b"Hello.\n", "text/plain"),
        (b"Hello.", ""),
    ],
)
async def test_plain_answers(server: StandIn, body: Any, mime: str) -> None:
    assert (await heard(server, body, mime)).text == "Hello."


async def test_silence_is_an_answer(server: StandIn) -> None:
    assert (await heard(server, {"text": ""})).text == ""


@pytest.mark.parametrize("body", [b"<html>Hi</html>", {"no": "text"}, {"text": 5}, b'{"text":'])
async def test_what_is_no_transcription_is_an_error(server: StandIn, body: Any) -> None:
    with pytest.raises(ProcessingError) as caught:
        await heard(server, body)
    assert caught.value.detail == "malformed"


async def test_an_error_in_a_200_is_its_own_kind(server: StandIn) -> None:
    with pytest.raises(RateLimitError):
        await heard(server, {"error": {"message": "x", "code": 429}})


DELTAS = [{"type": "transcript.text.delta", "delta": text} for text in ("Hel", "lo", ".")]
DONE = {"type": "transcript.text.done", "text": "Hello.", "usage": {"seconds": 2}}


async def test_a_stream_may_hold_what_we_do_not_know(server: StandIn) -> None:
    server.play(streaming(sse({"type": "ping"}, *DELTAS, DONE, "[DONE]")))
    async with running(server) as runner:
        found = await whole(runner, hearing())
    assert (found.text, found.usage.audio_seconds) == ("Hello.", 2)


async def test_a_stream_of_segments(server: StandIn) -> None:
    segments = [
        {"type": "transcript.text.segment", "text": text, "start": i, "end": i + 1, "speaker": "A"}
        for i, text in enumerate(("One.", "Two."))
    ]
    server.play(streaming(sse(DELTAS[0], segments[0], segments[1], DONE)))
    async with running(server) as runner:
        found = await whole(runner, hearing())
    assert [(s.text, s.start, s.end) for s in found.segments] == [("One.", 0, 1), ("Two.", 1, 2)]


async def test_a_stream_without_its_end_was_cut(server: StandIn) -> None:
    server.play(streaming(sse(*DELTAS)))
    async with running(server) as runner:
        with pytest.raises(ProcessingError) as caught:
            await whole(runner, hearing())
    assert caught.value.detail == "cut"
