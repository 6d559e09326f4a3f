"""`mock_tts`: real sound whose length and words fit the text."""

from __future__ import annotations

import array
import io
import wave
from itertools import pairwise
from typing import Any

import pytest

from breeze.contracts.answers import Speech
from breeze.contracts.errors import InputError
from breeze.contracts.events import AudioChunk
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.results import collect
from breeze.runners.mock_tts import MockTTSParameters, MockTTSRunner
from breeze.testing.stream import checked


async def loaded(**parameters: Any) -> MockTTSRunner:
    runner = MockTTSRunner(MockTTSParameters.of(parameters))
    await runner.load("")
    return runner


async def say(text: str, fields: dict[str, Any] | None = None, **parameters: Any) -> Speech:
    runner = await loaded(**parameters)
    events = runner.stream(SpeakRequest(text, **(fields or {})))
    answer = await collect(checked(events, "speak"), Speech)
    assert isinstance(answer, Speech)
    return answer


def samples(speech: Speech) -> list[int]:
    return array.array("h", speech.audio).tolist()


def crossings(speech: Speech) -> int:
    """How often the sound rises through zero: periods of the tone."""
    wave_form = samples(speech)
    return sum(a < 0 <= b for a, b in pairwise(wave_form))


async def test_it_is_a_wav_at_150_words_a_minute() -> None:
    speech = await say("one two three four five")
    with wave.open(io.BytesIO(speech.audio)) as sound:
        assert sound.getframerate() == 16_000
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        assert sound.getnframes() / 16_000 == pytest.approx(5 * 60 / 150)
    assert speech.duration == pytest.approx(2.0)


async def test_each_word_is_a_chunk_with_its_time_and_place() -> None:
    runner = await loaded()
    text = "Good morning. How are you?"
    chunks = [e async for e in runner.stream(SpeakRequest(text)) if isinstance(e, AudioChunk)]
    assert len(chunks) == 5
    words = [word for chunk in chunks for word in chunk.words]
    assert [text[w.offset or 0 :].startswith(w.text) for w in words] == [True] * 5
    assert [chunk.metadata and chunk.metadata["sentence_index"] for chunk in chunks] == [
        0, 0, 1, 1, 1,
    ]  # fmt: skip
    assert words[4].start == pytest.approx(1.6)


async def test_pcm_has_no_header() -> None:
    wav, pcm = await say("hello"), await say("hello", {"format": "pcm"})
    assert pcm.format == "pcm"
    assert wav.audio[44:] == pcm.audio


async def test_other_formats_become_wav_with_a_word() -> None:
    speech = await say("hello", {"format": "mp3", "language": "fr", "instructions": "Sing."})
    assert speech.format == "wav"
    assert [a.field for a in speech.adjustments] == ["language", "instructions", "format"]


async def test_speed_and_pace_set_the_length() -> None:
    assert (await say("one two", {"speed": 2.0})).duration == pytest.approx(0.4)
    assert (await say("one two", words_per_minute=60)).duration == pytest.approx(2.0)


async def test_sample_rate_comes_from_the_request_or_the_parameters() -> None:
    assert (await say("one", {"sample_rate": 8_000})).sample_rate == 8_000
    assert (await say("one", sample_rate=48_000)).sample_rate == 48_000


async def test_voice_and_pitch_set_the_tone() -> None:
    pcm = {"format": "pcm"}
    low = crossings(await say("one", {**pcm, "voice": "mock-low"}))
    high = crossings(await say("one", {**pcm, "voice": "mock-high"}))
    assert high == pytest.approx(4 * low, rel=0.1)
    assert crossings(await say("one", pcm, voice="mock-low")) == low
    assert crossings(await say("one", pcm, voice="mock-low", pitch=2.0)) == pytest.approx(
        2 * low, rel=0.1
    )


async def test_amplitude_sets_the_loudness() -> None:
    loud = samples(await say("one", {"format": "pcm"}))
    assert max(loud) == pytest.approx(0.3 * 32767, abs=2)
    assert max(samples(await say("one", {"format": "pcm"}, amplitude=0.0))) == 0


async def test_an_unknown_voice_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="mock-high") as caught:
        await say("one", {"voice": "alloy"})
    assert caught.value.field == "voice"


async def test_the_end_tells_what_was_used() -> None:
    speech = await say("one two. three")
    assert speech.metadata is not None
    assert speech.metadata["voice_used"] == "mock-mid"
    assert speech.metadata["audio_duration_ms"] == 1200
    assert speech.usage is not None
    assert speech.usage.characters == len("one two. three")
    assert speech.usage.audio_seconds == pytest.approx(1.2)
