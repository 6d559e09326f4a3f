"""`espeak`: speech in this process, with word times, by the real library."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import Speech
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, AudioChunk, Finish
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.results import collect
from breeze.contracts.values import Usage
from breeze.contracts.wav import WAV_HEADER
from breeze.runners._audio import decode
from breeze.runners._espeak_parameters import EspeakParameters
from breeze.runners.espeak import EspeakRunner

STORY = "The quick brown fox jumps over the lazy dog, and then it rests. " * 1_600


@asynccontextmanager
async def espeak(**parameters: Any) -> AsyncIterator[EspeakRunner]:
    runner = EspeakRunner(EspeakParameters.of(parameters))
    await runner.load("")
    yield runner
    await runner.unload()


async def said(runner: EspeakRunner, text: str, **fields: Any) -> Speech:
    answer = await collect(runner.stream(SpeakRequest(text, **fields)), Speech)
    assert isinstance(answer, Speech)
    return answer


async def chunks(runner: EspeakRunner, request: SpeakRequest) -> list[AudioChunk]:
    return [e async for e in runner.stream(request) if isinstance(e, AudioChunk)]


def duration(speech: Speech) -> float:
    return speech.duration


def loudness(speech: Speech) -> float:
    samples = array("h", speech.audio[WAV_HEADER:])
    return sum(map(abs, samples)) / len(samples)


def pitches(speech: Speech) -> list[float]:
    """The pitch in Hz of each voiced 50 ms, by autocorrelation between 60 and 500 Hz."""
    import numpy as np

    samples = np.frombuffer(speech.audio[WAV_HEADER:], dtype="<i2").astype(float)
    found = []
    for start in range(0, len(samples) - 1_102, 1_102):
        frame = samples[start : start + 1_102]
        alike = np.correlate(frame, frame, "full")[1_101:]
        lag = 44 + int(np.argmax(alike[44:367]))
        if alike[0] > 1e9 and alike[lag] > 0.6 * alike[0]:
            found.append(22_050 / lag)
    return found


def height(speech: Speech) -> float:
    return statistics.median(pitches(speech))


def liveliness(speech: Speech) -> float:
    return statistics.pstdev(pitches(speech))


async def test_speech_streams_as_wav_and_ends_with_usage_and_finish() -> None:
    async with espeak() as runner:
        events = [e async for e in runner.stream(SpeakRequest("Hello world, how are you?"))]

    *sound, usage, finish = events
    assert all(isinstance(e, AudioChunk) for e in sound)
    first = sound[0]
    assert isinstance(first, AudioChunk)
    assert first.data.startswith(b"RIFF")
    assert (first.format, first.sample_rate, first.channels) == ("wav", 22_050, 1)
    assert [e.index for e in sound if isinstance(e, AudioChunk)] == list(range(len(sound)))
    assert isinstance(usage, Usage)
    assert usage.characters == 25
    assert usage.audio_seconds == pytest.approx(1.9, abs=0.5)
    assert isinstance(finish, Finish)
    assert finish.result is None


async def test_the_first_sound_comes_long_before_the_last_text_is_spoken() -> None:
    async with espeak() as runner:
        stream = runner.stream(SpeakRequest(STORY))
        first = await anext(stream)
        await stream.aclose()

    assert isinstance(first, AudioChunk)
    assert first.metadata is not None
    assert first.metadata["synthesis_progress"] < 1


async def test_each_word_comes_with_the_chunk_in_which_it_begins() -> None:
    async with espeak() as runner:
        sound = await chunks(runner, SpeakRequest("One two three four five.", format="pcm"))

    start = 0.0
    for chunk in sound:
        end = start + len(chunk.data) / 44_100
        assert all(start <= word.start + 0.001 and word.start < end for word in chunk.words)
        start = end
    words = [word for chunk in sound for word in chunk.words]
    assert [word.text for word in words] == ["One", "two", "three", "four", "five"]
    assert [word.end for word in words[:-1]] == [word.start for word in words[1:]]
    assert words[-1].end == pytest.approx(start, abs=0.001)


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Größe und Maß: „naïve“ Café!", "de", ["Größe", "und", "Maß", "naïve", "Café"]),
        ("Привет, мир!", "ru", ["Привет", "мир"]),
        ("你好世界", "cmn", ["你", "好", "世", "界"]),
        ("🙂 hello 🎉🎉 👨‍👩‍👧 x", "en-us", ["🙂", "hello", "🎉🎉", "👨‍👩‍👧", "x"]),
        ("it's 3.14 or 1,000,000", "en-us", ["it's", "3.14", "or", "1,000,000"]),
        ("hi\r\nthere\tfriend", "en-us", ["hi", "there", "friend"]),
    ],
)
async def test_offsets_count_the_characters_of_the_text(
    text: str, language: str, words: list[str]
) -> None:
    async with espeak() as runner:
        speech = await said(runner, text, language=language)

    found = [word for word in speech.words if not word.text.isspace()]
    assert [word.text for word in found] == words
    for word in found:
        assert word.offset is not None
        assert text[word.offset :].startswith(word.text)
    assert [w.start for w in found] == sorted(w.start for w in found)


async def test_a_long_text_keeps_offsets_and_times_from_sentence_to_sentence() -> None:
    text = STORY[:3_000]
    async with espeak() as runner:
        speech = await said(runner, text)

    assert [w.text for w in speech.words[9:15]] == ["and", "then", "it", "rests", "The", "quick"]
    assert all(text[w.offset or 0 :].startswith(w.text) for w in speech.words)
    assert len(speech.words) == len(text.split())
    assert speech.words[-1].end == pytest.approx(speech.duration, abs=0.01)


async def test_sentences_said_in_pieces_keep_their_pauses() -> None:
    async with espeak() as runner:
        speech = await said(runner, "This sentence takes more than two seconds to say aloud. " * 6)

    quiet, pauses = 0, 0
    for sample in array("h", speech.audio[WAV_HEADER:]):
        quiet = quiet + 1 if abs(sample) < 40 else 0
        pauses += quiet == int(0.2 * 22_050)
    assert pauses == 5


async def test_voices_are_listed_with_their_languages() -> None:
    async with espeak() as runner:
        choices = {choice.key: choice for choice in await runner.voices()}
        (model,) = await runner.models()

    assert choices["de"].label == "German"
    assert "en-us" in choices["en-us"].description
    assert "+f3" in choices
    assert len(model.languages) > 100
    assert set(model.metadata["voices"]) < choices.keys()


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ("de", "de"),
        ("German", "de"),
        ("EN_US", "en-us"),
        ("gmw/en-US", "en-us"),
        ("en-us+f3", "en-us+f3"),
        ("fr+Alicia", "fr-fr+Alicia"),
        ("+female3", "en-us+f3"),
        ("", "en-us"),
    ],
)
async def test_a_voice_goes_by_language_name_identifier_and_variation(
    asked: str, used: str
) -> None:
    async with espeak() as runner:
        speech = await said(runner, "Hello", voice=asked)

    assert speech.metadata is not None
    assert speech.metadata["voice_used"] == used
    assert speech.adjustments == ()


async def test_voices_and_variations_sound_different() -> None:
    async with espeak() as runner:
        man, woman = [await said(runner, STORY[:64], voice=v) for v in ("en-us", "en-us+f3")]
        german = await said(runner, STORY[:64], voice="de")

    assert height(woman) > 1.2 * height(man)
    assert german.duration != pytest.approx(man.duration, rel=0.02)


@pytest.mark.parametrize(
    ("voice", "near"),
    [("germen", "german"), ("en-uk", "en-us"), ("en+f33", "f3"), ("zzz", "leave")],
)
async def test_an_unknown_voice_is_refused_with_near_ones(voice: str, near: str) -> None:
    async with espeak() as runner:
        with pytest.raises(NotFoundError, match=near) as caught:
            await said(runner, "Hello", voice=voice)

    assert caught.value.field == "voice"


async def test_a_language_picks_the_voice_and_the_usual_voice_where_it_can() -> None:
    async with espeak() as runner:
        used = [(await said(runner, "A", language=tag)).metadata for tag in ("fr", "en", "pt-BR")]

    assert [facts and facts["voice_used"] for facts in used] == ["fr-fr", "en-us", "pt-br"]


async def test_a_regional_language_that_nobody_speaks_is_shortened_aloud() -> None:
    async with espeak() as runner:
        speech = await said(runner, "Grüß Gott", language="de-AT")
        other = await said(runner, "Hello", voice="en-us", language="fr")

    assert [(a.field, a.asked, a.used) for a in speech.adjustments] == [("language", "de-AT", "de")]
    assert [(a.field, a.asked, a.used) for a in other.adjustments] == [("language", "fr", "en-us")]


async def test_an_unknown_language_is_refused() -> None:
    async with espeak() as runner:
        with pytest.raises(InputError, match="No voice speaks") as caught:
            await said(runner, "nuqneH", language="tlh")

    assert caught.value.field == "language"


async def test_speed_is_honoured_and_said_when_it_cannot_be() -> None:
    text = "A sentence of some length, for the pace to show."
    async with espeak() as runner:
        usual = await said(runner, text)
        fast = await said(runner, text, speed=4.0)
        slow = await said(runner, text, speed=0.25)

    assert fast.adjustments == ()
    assert fast.duration == pytest.approx(usual.duration / 4, rel=0.15)
    (note,) = slow.adjustments
    assert (note.field, note.asked, note.used) == ("speed", 0.25, 0.457)
    assert slow.duration > 1.8 * usual.duration


async def test_instructions_are_not_dropped_silently() -> None:
    async with espeak() as runner:
        speech = await said(runner, "Hello", instructions="Whisper")

    assert [a.field for a in speech.adjustments] == ["instructions"]


@pytest.mark.parametrize(
    ("name", "value", "heard", "low", "high"),
    [
        ("voice", "en-us+f3", height, 1.2, 2.5),
        ("rate", 350, duration, 0.3, 0.6),
        ("pitch", 99, height, 1.3, 3),
        ("range", 0, liveliness, 0, 0.6),
        ("word_gap", 300, duration, 1.3, 3),
        ("volume", 50, loudness, 0.4, 0.6),
        ("punctuation", "all", duration, 1.3, 5),
        ("capitals", "say", duration, 1.3, 5),
        ("capitals", "raise", duration, 1.02, 2),
    ],
)
async def test_every_parameter_is_heard_in_that_request_alone(
    name: str, value: Any, heard: Callable[[Speech], float], low: float, high: float
) -> None:
    text = "Hello, World! Are you Really there, all of you, or is it only Me?"
    async with espeak() as runner:
        before = heard(await said(runner, text))
        changed = heard(await said(runner, text, params={name: value}))
        after = heard(await said(runner, text))
    async with espeak(**{name: value}) as runner:
        configured = heard(await said(runner, text))

    assert low < changed / before < high
    assert after == pytest.approx(before, rel=0.1)
    assert configured == pytest.approx(changed, rel=0.1)


async def test_chunks_have_the_length_asked_for() -> None:
    request = SpeakRequest("Good morning", format="pcm", params={"chunk_ms": 200})
    async with espeak() as runner:
        sound = await chunks(runner, request)

    assert {len(chunk.data) for chunk in sound[:-1]} == {22_050 // 5 * 2}


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav"])
async def test_every_format_holds_the_same_speech(form: str) -> None:
    async with espeak() as runner:
        plain = await said(runner, "The same words in every format.", format="pcm")
        speech = await said(runner, "The same words in every format.", format=form)

    assert speech.format == form
    assert [w.offset for w in speech.words] == [w.offset for w in plain.words]
    length = sum(map(len, decode(speech.audio, 16_000, 60))) / 32_000
    assert length == pytest.approx(plain.duration, abs=0.12)


async def test_the_sample_rate_is_as_asked() -> None:
    async with espeak() as runner:
        usual = await said(runner, "Hello there")
        speech = await said(runner, "Hello there", sample_rate=8_000)
        with pytest.raises(InputError, match="opus cannot have 44100 Hz") as caught:
            await said(runner, "Hello there", sample_rate=44_100, format="opus")

    assert speech.sample_rate == 8_000
    assert speech.duration == pytest.approx(usual.duration, abs=0.01)
    assert caught.value.field == "sample_rate"


async def test_a_bitrate_makes_the_sound_larger() -> None:
    async with espeak() as runner:
        small = await said(runner, "Hello there", format="mp3", params={"bitrate": 24})
        large = await said(runner, "Hello there", format="mp3", params={"bitrate": 96})

    assert len(large.audio) > 2 * len(small.audio)


async def test_metadata_says_how_far_it_is() -> None:
    text = "Halfway there, and then the rest of it."
    async with espeak() as runner:
        sound = await chunks(runner, SpeakRequest(text))
        speech = await said(runner, text)

    facts = [chunk.metadata or {} for chunk in sound]
    progress = [fact["synthesis_progress"] for fact in facts]
    assert progress == sorted(progress)
    assert [fact["chunk_index"] for fact in facts] == list(range(len(facts)))
    assert facts[0]["audio_duration_ms"] == 100
    assert speech.metadata is not None
    assert speech.metadata["text_characters_processed"] == len(text)
    assert speech.metadata["synthesis_progress"] == 100
    assert speech.metadata["audio_size_bytes"] == len(speech.audio)


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("\x01Vde loud \x00 and \x1b clear", " Vde loud   and   clear"),
        ("lone \ud800 surrogate", "lone   surrogate"),
        ("\ue000 private \u0530 marks", "  private   marks"),
    ],
)
async def test_characters_that_would_command_the_library_are_blanks(text: str, like: str) -> None:
    async with espeak() as runner:
        odd, plain = await said(runner, text), await said(runner, like)

    assert [w.offset for w in odd.words] == [w.offset for w in plain.words]
    assert odd.duration == pytest.approx(plain.duration, abs=0.02)
    assert height(odd) == pytest.approx(height(plain), rel=0.1)


async def test_markup_is_read_out_and_not_obeyed() -> None:
    async with espeak() as runner:
        speech = await said(runner, "<break time='100s'/> [[h@l'oU]] <voice name='de'>no</voice>")

    assert speech.duration < 30
    assert {"break", "time", "voice"} <= {word.text for word in speech.words}


@pytest.mark.parametrize("text", ["\x01", "...", "\u200b."])
async def test_a_text_with_nothing_to_say_is_a_whole_but_empty_sound(text: str) -> None:
    async with espeak() as runner:
        speech = await said(runner, text)

    assert speech.audio.startswith(b"RIFF")
    assert speech.duration < 0.1
    assert speech.words == ()


async def test_a_hundred_thousand_characters_stop_at_once() -> None:
    async with espeak() as runner:
        stream = runner.stream(SpeakRequest(STORY[:100_000]))
        for _ in range(100):
            await anext(stream)
        assert runner.work.active == 1
        start = time.perf_counter()
        await stream.aclose()
        assert time.perf_counter() - start < 0.1
        assert runner.work.active == 0
        steps = runner.work.steps
        await said(runner, "One.", params={"chunk_ms": 1000})

    assert runner.work.steps < steps + 3


async def test_a_slow_reader_keeps_nobody_waiting_and_streams_do_not_mix() -> None:
    async with espeak() as runner, espeak(voice="de") as german:
        alone = [await said(runner, STORY[:2_000]), await said(german, STORY[:2_000])]
        slow = runner.stream(SpeakRequest(STORY))
        await anext(slow)  # and then reads no more
        together = await asyncio.gather(said(runner, STORY[:2_000]), said(german, STORY[:2_000]))
        await slow.aclose()

    lengths = [speech.duration for speech in together]
    assert lengths == pytest.approx([speech.duration for speech in alone], rel=0.001)
    assert lengths[0] != pytest.approx(lengths[1], rel=0.01)


async def test_a_cancelled_task_leaves_no_work_behind() -> None:
    async with espeak() as runner:
        for turns in (0, 1, 5, 20):
            reading = asyncio.create_task(said(runner, STORY))
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert runner.work.active == 0


async def test_it_must_be_loaded_and_knows_one_model() -> None:
    runner = EspeakRunner(EspeakParameters())
    with pytest.raises(NotLoadedError, match="call load first"):
        await said(runner, "Hello")
    with pytest.raises(NotFoundError, match="espeak has one model, espeak-ng") as caught:
        await runner.load("large")
    assert caught.value.field == "model"
    assert runner.check() is None


async def test_twenty_loads_leave_memory_as_it_was() -> None:
    sizes = []
    for _ in range(20):
        async with espeak() as runner:
            await said(runner, "Hello", format="mp3")
        gc.collect()
        sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4_096)

    assert sizes[-1] - sizes[4] < 2_000_000


async def test_adjustments_come_before_the_sound() -> None:
    request = SpeakRequest("Hello", language="de-AT", speed=0.25, instructions="Whisper")
    async with espeak() as runner:
        events = [event async for event in runner.stream(request)]

    assert [type(event) for event in events[:4]] == [Adjusted, Adjusted, Adjusted, AudioChunk]
