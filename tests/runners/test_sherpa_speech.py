"""`sherpa`: speech by the real engine, with voices that the tests make: each letter is a tone."""

from __future__ import annotations

from array import array
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import Speech
from breeze.contracts.capability import Capability
from breeze.contracts.errors import CapabilityError, InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, AudioChunk, Finish
from breeze.contracts.requests import SpeakRequest, TranscribeRequest
from breeze.runners.sherpa import SherpaParameters, SherpaRunner
from breeze.testing.media import wav
from tests.runners.tiny_ears import tiny_ears
from tests.runners.tiny_mouths import RATE, TONE, phoneme_mouth, tiny_mouth
from tests.runners.vendor import ready
from tests.runners.whole import whole

TWO = "Hello there, my friend. How are you today?"


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_mouth(tmp_path_factory.mktemp("models") / "tones")


def sherpa(model: Path, **parameters: Any) -> SherpaRunner:
    return SherpaRunner(SherpaParameters.of({"model_path": model, **parameters}))


async def said(runner: SherpaRunner, text: str = TWO, **fields: Any) -> Speech:
    return await whole(runner, SpeakRequest(text, format="pcm", **fields), Speech)


def pitch(speech: Speech) -> float:
    """Changes of sign a sample."""
    samples = array("h", speech.audio)
    return sum(a < 0 <= b for a, b in pairwise(samples)) / len(samples)


async def test_sentences_come_one_after_the_other(voice: Path) -> None:
    async with ready(sherpa(voice, chunk_ms=1000)) as runner:
        events = [e async for e in runner.stream(SpeakRequest(TWO))]

    chunks = [e for e in events if isinstance(e, AudioChunk)]
    assert chunks[0].data.startswith(b"RIFF")
    assert {c.sample_rate for c in chunks} == {RATE}
    told = [c.metadata.get("sentence_text") for c in chunks if c.metadata]
    assert list(dict.fromkeys(filter(None, told))) == [
        "Hello there, my friend.",
        "How are you today?",
    ]
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert finish.metadata is not None
    assert finish.metadata["total_sentences"] == 2


async def test_each_letter_is_its_tone(voice: Path) -> None:
    async with ready(sherpa(voice)) as runner:
        answer = await said(runner, "hello.")
    assert answer.duration == pytest.approx(len("hello.") * TONE / RATE, abs=2 * TONE / RATE)


async def test_speed_and_speakers_are_obeyed(voice: Path) -> None:
    async with ready(sherpa(voice)) as runner:
        usual = await said(runner)
        assert (await said(runner, speed=2)).duration == pytest.approx(usual.duration / 2, rel=0.05)
        assert pitch(await said(runner, voice="1")) > pitch(usual) * 1.3
        assert [choice.key for choice in await runner.voices()] == ["0", "1"]
        with pytest.raises(NotFoundError, match="it has 0 to 1"):
            await said(runner, voice="anna")


async def test_closing_after_the_first_chunk_leaves_the_rest_unspoken(voice: Path) -> None:
    long = ", ".join(["hello there my friend"] * 12)
    async with ready(sherpa(voice)) as runner:
        events = runner.stream(SpeakRequest(f"{long}. " * 50, params={"chunk_ms": 1000}))
        await anext(events)
        await events.aclose()
        assert runner.work.active == 0
        assert runner.work.steps < 100
        assert (await said(runner, "Hello.")).audio


async def test_words_that_the_voice_does_not_know_are_told(voice: Path) -> None:
    async with ready(sherpa(voice, language="en")) as runner:
        with pytest.raises(InputError, match="none of the words"):
            await said(runner, "xylophone")
        with pytest.raises(InputError, match="speaks en, not de"):
            await said(runner, "Hello.", language="de")
        with pytest.raises(CapabilityError, match="does TTS, not ASR"):
            await whole(runner, TranscribeRequest(audio=wav(1.0)), Speech)
        asked = SpeakRequest("Hello.", language="en-GB", instructions="sadly")
        events = [e async for e in runner.stream(asked)]
    told = [e.field for e in events if isinstance(e, Adjusted)]
    assert told == ["language", "instructions"]


async def test_a_voice_of_phonemes_is_read_to_by_its_language(tmp_path: Path) -> None:
    folder = phoneme_mouth(tmp_path / "phonemes")
    async with ready(sherpa(folder)) as runner:
        english = await said(runner, "hello there")
    async with ready(sherpa(folder, language="de")) as runner:
        german = await said(runner, "hello there")
    assert english.duration > 0.3
    assert english.audio != german.audio


async def test_files_tell_what_a_folder_does(tmp_path: Path, voice: Path) -> None:
    tiny_ears(tmp_path / "nemo", streaming=False)
    tiny_mouth(tmp_path / "plain")
    (tmp_path / "plain" / "lexicon.txt").rename(tmp_path / "plain" / "words.txt")
    tiny_mouth(tmp_path / "talker")
    folder = SherpaParameters.of({"models_dir": tmp_path})
    does = {model.id: model.capabilities for model in await SherpaRunner(folder).models()}
    assert does == {
        "nemo": (Capability.ASR,), "plain": (Capability.ASR,), "talker": (Capability.TTS,),
    }  # fmt: skip
    async with ready(sherpa(tmp_path / "nemo")) as runner:
        with pytest.raises(CapabilityError, match="does ASR, not TTS"):
            await said(runner)


async def test_families_without_their_files_are_refused(voice: Path) -> None:
    with pytest.raises(NotLoadedError, match="no vocoder"):
        await sherpa(voice, family="matcha").load("")
    for family in ("kokoro", "kitten"):
        with pytest.raises(NotLoadedError, match="lacks files"):
            await sherpa(voice, family=family).load("")
