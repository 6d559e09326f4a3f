"""`espeak`: speech in this process as a stream, with word times, by the real library."""

from __future__ import annotations

import asyncio
import time
from array import array

import pytest

from breeze.contracts.errors import NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, AudioChunk, Finish
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.values import Usage
from breeze.contracts.wav import WAV_HEADER
from breeze.runners._espeak_parameters import EspeakParameters
from breeze.runners.espeak import EspeakRunner
from tests.runners.alone import printed_alone
from tests.runners.speaking import (
    STORY,
    chunks,
    espeak,
    said,
)


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


async def test_adjustments_come_before_the_sound() -> None:
    request = SpeakRequest("Hello", language="de-AT", speed=0.25, instructions="Whisper")
    async with espeak() as runner:
        events = [event async for event in runner.stream(request)]

    assert [type(event) for event in events[:4]] == [Adjusted, Adjusted, Adjusted, AudioChunk]


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
        ("你好世界", "cmn", ["你好", "世", "界"]),
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

    assert [word.text for word in speech.words] == words
    for word in speech.words:
        assert word.offset is not None
        assert text[word.offset :].startswith(word.text)
    starts = [word.start for word in speech.words]
    assert starts == sorted(starts)


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
    assert lengths == pytest.approx([speech.duration for speech in alone], rel=0.01)
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


TWENTY_LOADS = """
import asyncio, gc
from pathlib import Path
from tests.runners.speaking import espeak, said

async def main():
    for _ in range(20):
        async with espeak() as runner:
            await said(runner, "Hello", format="mp3")
        gc.collect()
        print(int(Path("/proc/self/statm").read_text().split()[1]) * 4096)

asyncio.run(main())
"""


def test_twenty_loads_leave_memory_as_it_was() -> None:
    sizes = [size for (size,) in printed_alone(TWENTY_LOADS)]
    assert sizes[-1] - sizes[4] < 2_000_000
