"""The elevenlabs runner hears: sound of all kinds in, segments and words with times out."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import InputError, NotFoundError, TooLargeError
from breeze.contracts.events import Adjusted, Finish, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.values import Usage
from breeze.runners._elevenlabs_languages import tag_of
from breeze.runners.elevenlabs import ElevenLabsRunner
from breeze.testing.media import pcm, wav
from breeze.testing.standins.elevenlabs import ElevenLabsStandin
from tests.runners.elevenlabs_asking import HEARS, events, heard, hearing, running

SOUND = wav(4.0)
SAID = "one two three four five. six seven eight"


@pytest.fixture
async def vendor() -> AsyncIterator[ElevenLabsStandin]:
    async with ElevenLabsStandin.serving() as vendor:
        yield vendor


@pytest.fixture
async def runner(vendor: ElevenLabsStandin) -> AsyncIterator[ElevenLabsRunner]:
    async with running(vendor) as runner:
        yield runner


def sent(vendor: ElevenLabsStandin) -> dict[str, str]:
    """The fields of the last form, without the sound."""
    return {part.name: part.text for part in vendor.calls[-1].form if part.name != "file"}


async def test_each_sentence_is_a_segment_with_its_words(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    found = await events(runner, hearing(audio=SOUND))
    first, second, usage, finish = found
    assert isinstance(first, Transcript)
    assert isinstance(second, Transcript)
    assert (first.text, first.start, first.end) == ("one two three four five.", 0.0, 2.4)
    assert (second.text, second.segment, second.start) == ("six seven eight", 1, 2.5)
    assert [word.text for word in first.words] == ["one", "two", "three", "four", "five."]
    assert (first.words[1].start, first.words[1].end) == (0.5, 0.9)
    assert first.words[1].confidence == pytest.approx(0.9048, abs=1e-4)
    assert first.language == "en-US"
    assert usage == Usage(audio_seconds=4.0)
    assert finish == Finish(
        metadata={
            "model_name": HEARS,
            "language_detected": "en-US",
            "words_recognized": 8,
            "audio_length_ms": 4000,
            "overall_confidence": 0.9048,
        }
    )
    assert (await heard(runner, hearing(audio=SOUND))).text == SAID


async def test_what_is_sent(vendor: ElevenLabsStandin, runner: ElevenLabsRunner) -> None:
    await heard(runner, hearing(audio=SOUND))
    assert sent(vendor) == {
        "model_id": HEARS,
        "language_code": "en",
        "tag_audio_events": "false",
        "timestamps_granularity": "word",
    }
    (file,) = (part for part in vendor.calls[0].form if part.name == "file")
    assert (file.data, file.filename, file.mime) == (SOUND, "sound.wav", "audio/wav")


async def test_every_setting_travels(vendor: ElevenLabsStandin) -> None:
    values = {
        "audio_events": True, "diarize": True, "speakers": 2, "keyterms": "Oslo, Ada Lovelace",
        "seed": 3, "keep_logs": False,
    }  # fmt: skip
    request = hearing(audio=SOUND, temperature=0.5, language="", timestamps="none")
    async with running(vendor, **values) as runner:
        await heard(runner, request)
    (call,) = vendor.calls
    assert call.target == "/v1/speech-to-text?enable_logging=false"
    fields = [(part.name, part.text) for part in call.form if part.name != "file"]
    assert fields == [
        ("model_id", HEARS), ("tag_audio_events", "true"), ("num_speakers", "2"),
        ("timestamps_granularity", "none"), ("diarize", "true"), ("temperature", "0.5"),
        ("seed", "3"), ("keyterms", "Oslo"), ("keyterms", "Ada Lovelace"),
    ]  # fmt: skip


@pytest.mark.parametrize("timestamps", ["none", "segment", "word"])
async def test_times_as_asked(runner: ElevenLabsRunner, timestamps: Any) -> None:
    found = await heard(runner, hearing(audio=SOUND, timestamps=timestamps))
    assert found.text == SAID
    assert len(found.segments) == (1 if timestamps == "none" else 2)
    assert bool(found.words) == (timestamps == "word")
    assert (found.segments[-1].end > 0) == (timestamps != "none")


async def test_speakers_are_told_apart(runner: ElevenLabsRunner) -> None:
    found = await events(runner, hearing(audio=wav(6.0), params={"diarize": True}))
    said = [(e.text, (e.metadata or {}).get("speaker_id")) for e in found
            if isinstance(e, Transcript)]  # fmt: skip
    assert said == [
        ("one two three four five.", "speaker_0"),
        ("six seven eight nine ten.", "speaker_1"),
        ("one two", "speaker_0"),
    ]


async def test_laughter_is_text_and_no_word(runner: ElevenLabsRunner) -> None:
    found = await heard(runner, hearing(audio=wav(1.0), params={"audio_events": True}))
    assert found.text == "one two(laughter)"
    assert [word.text for word in found.words] == ["one", "two"]


async def test_silence_is_no_segment(runner: ElevenLabsRunner) -> None:
    found = await heard(runner, hearing(audio=wav(0.3)))
    assert (found.text, found.segments) == ("", ())


async def test_a_prompt_is_told_not_to_count(runner: ElevenLabsRunner) -> None:
    first, *_ = await events(runner, hearing(audio=SOUND, prompt="Oslo"))
    assert isinstance(first, Adjusted)
    assert (first.field, first.asked, first.used) == ("prompt", "Oslo", "")


# Where sound comes from


async def test_a_file_is_sent_under_its_name(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner, tmp_path: Path
) -> None:
    file = tmp_path / "interview.wav"
    file.write_bytes(SOUND)
    assert (await heard(runner, hearing(file=str(file)))).text == SAID
    (part,) = (part for part in vendor.calls[0].form if part.name == "file")
    assert (part.filename, part.data) == ("interview.wav", SOUND)


async def test_a_file_that_is_not_there(runner: ElevenLabsRunner, tmp_path: Path) -> None:
    with pytest.raises(InputError) as missing:
        await heard(runner, hearing(file=str(tmp_path / "none.wav")))
    assert missing.value.field == "file"


async def test_samples_become_a_wav(vendor: ElevenLabsStandin, runner: ElevenLabsRunner) -> None:
    samples = pcm(4.0, 8_000)
    found = await heard(runner, hearing(audio=samples, sample_rate=8_000))
    assert found.duration == pytest.approx(3.9)
    (part,) = (part for part in vendor.calls[0].form if part.name == "file")
    with wave.open(io.BytesIO(part.data)) as file:
        assert file.getframerate() == 8_000
        assert file.readframes(file.getnframes()) == samples


async def test_a_live_source_is_heard_when_it_ends(runner: ElevenLabsRunner) -> None:
    async def source() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield pcm(0.5)

    found = await heard(runner, TranscribeRequest(live=source(), sample_rate=16_000, model=HEARS))
    assert found.text == SAID


async def test_a_silent_source_can_be_left(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    closed = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        try:
            yield pcm(0.1)
            await asyncio.Event().wait()
        finally:
            closed.set()

    request = TranscribeRequest(live=source(), sample_rate=16_000, model=HEARS)
    listening = asyncio.ensure_future(heard(runner, request))
    await asyncio.wait([listening], timeout=0.05)
    listening.cancel()
    await asyncio.wait([listening], timeout=0.1)
    assert listening.cancelled()
    assert closed.is_set()
    assert vendor.calls == []
    assert runner.work.active == 0


@pytest.mark.parametrize("field", ["audio", "file", "live"])
async def test_too_much_sound_is_not_sent(
    vendor: ElevenLabsStandin, tmp_path: Path, field: str
) -> None:
    async def source() -> AsyncIterator[bytes]:
        while True:
            yield bytes(100_000)

    big = tmp_path / "big.wav"
    big.write_bytes(bytes(1_000_001))
    sources: dict[str, dict[str, Any]] = {
        "audio": {"audio": bytes(1_000_001)},
        "file": {"file": str(big)},
        "live": {"live": source(), "sample_rate": 16_000},
    }
    async with running(vendor, max_mb=1) as runner:
        with pytest.raises(TooLargeError) as refused:
            await heard(runner, TranscribeRequest(model=HEARS, **sources[field]))
    assert refused.value.field == field
    assert vendor.calls == []


async def test_what_is_no_sound_is_refused(runner: ElevenLabsRunner) -> None:
    with pytest.raises(InputError, match="Send other sound") as refused:
        await heard(runner, hearing(audio=b"no sound at all"))
    assert (refused.value.field, refused.value.retryable) == ("audio", False)


# Models and languages


async def test_which_model_hears_must_be_said(vendor: ElevenLabsStandin) -> None:
    async with running(vendor) as runner:
        with pytest.raises(NotFoundError, match="transcription_model") as missing:
            await heard(runner, hearing(audio=SOUND, model="auto"))
        assert missing.value.field == "model"
    async with running(vendor, transcription_model="scribe_v1") as runner:
        await heard(runner, hearing(audio=SOUND, model="auto"))
    assert sent(vendor)["model_id"] == "scribe_v1"


@pytest.mark.parametrize(
    ("code", "asked", "tag"),
    [
        ("eng", "en-US", "en-US"),
        ("eng", "de", "en"),
        ("deu", "", "de"),
        ("en", "en-GB", "en-GB"),
        ("yue", "", "yue"),
        ("", "fr-CA", "fr-CA"),
    ],
)
def test_languages_are_told_as_tags(code: str, asked: str, tag: str) -> None:
    assert tag_of(code, asked) == tag
