"""`transformers`: speech by PyTorch, with tiny random voices that the tests make."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import Speech
from breeze.contracts.errors import CapabilityError, InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, AudioChunk, Finish
from breeze.contracts.requests import SpeakRequest, TranscribeRequest
from breeze.runners.transformers import TransformersParameters, TransformersRunner
from breeze.testing.media import wav
from tests.runners.tiny_transformers import tiny_spectra, tiny_voice
from tests.runners.vendor import ready
from tests.runners.whole import whole

TWO = "Hello there, my friend. How are you today?"


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_voice(tmp_path_factory.mktemp("models") / "voice")


@pytest.fixture(scope="module")
def spectra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "spectra"
    return tiny_spectra(folder, speakers=("amy", "bob"))


def transformers(model: Path, **parameters: Any) -> TransformersRunner:
    given = {"model_path": model, "seed": 1, **parameters}
    return TransformersRunner(TransformersParameters.of(given))


async def said(runner: TransformersRunner, text: str = TWO, **fields: Any) -> Speech:
    return await whole(runner, SpeakRequest(text, format="pcm", **fields), Speech)


async def test_sentences_come_one_after_the_other(voice: Path) -> None:
    async with ready(transformers(voice)) as runner:
        events = [e async for e in runner.stream(SpeakRequest(TWO))]

    chunks = [e for e in events if isinstance(e, AudioChunk)]
    assert chunks[0].data.startswith(b"RIFF")
    assert {c.sample_rate for c in chunks} == {16_000}
    told = [c.metadata.get("sentence_text") for c in chunks if c.metadata]
    assert list(dict.fromkeys(filter(None, told))) == [
        "Hello there, my friend.",
        "How are you today?",
    ]
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert finish.metadata is not None
    assert finish.metadata["total_sentences"] == 2


async def test_the_sound_is_that_of_the_library(voice: Path) -> None:
    import numpy
    import torch
    from transformers import AutoModelForTextToWaveform, AutoTokenizer

    words = AutoTokenizer.from_pretrained(str(voice))
    model = AutoModelForTextToWaveform.from_pretrained(str(voice))
    torch.manual_seed(1)
    with torch.inference_mode():
        made = model(**words("Hello there.", return_tensors="pt"), speaker_id=1).waveform[0]
    async with ready(transformers(voice)) as runner:
        answer = await said(runner, "Hello there.", voice="1")
    samples = numpy.frombuffer(answer.audio, dtype="<i2") / 32_768
    assert samples.shape == made.shape
    assert numpy.abs(samples - made.numpy()).max() < 0.001


async def test_speed_and_speakers_are_obeyed(voice: Path) -> None:
    async with ready(transformers(voice)) as runner:
        usual, slow = await said(runner), await said(runner, speed=0.5)
        assert slow.duration == pytest.approx(usual.duration * 2, rel=0.2)
        assert (await said(runner, voice="1")).audio != usual.audio
        assert (await said(runner, voice="0")).audio == usual.audio
        assert [choice.key for choice in await runner.voices()] == ["0", "1"]
        with pytest.raises(NotFoundError, match="it has 0, 1"):
            await said(runner, voice="anna")


async def test_closing_after_the_first_chunk_leaves_the_rest_unspoken(voice: Path) -> None:
    async with ready(transformers(voice)) as runner:
        events = runner.stream(SpeakRequest(TWO * 100))
        await anext(events)
        await events.aclose()
        assert runner.work.active == 0
        assert runner.work.steps < 200
        assert (await said(runner, "Hello.")).audio


async def test_letters_that_the_voice_lacks_are_refused(voice: Path) -> None:
    async with ready(transformers(voice)) as runner:
        with pytest.raises(InputError, match="its alphabet"):
            await said(runner, "你好")
        with pytest.raises(CapabilityError, match="does TTS, not ASR"):
            await whole(runner, TranscribeRequest(audio=wav(1.0)), Speech)
        asked = SpeakRequest("Hello.", language="de", instructions="sadly")
        events = [e async for e in runner.stream(asked)]
    told = [e.field for e in events if isinstance(e, Adjusted)]
    assert told == ["language", "instructions"]


async def test_a_voice_that_reads_by_another_program_says_so_when_loaded(tmp_path: Path) -> None:
    folder = tiny_voice(tmp_path / "phonemes", phonemes=True)
    with pytest.raises(NotLoadedError, match="pip install phonemizer"):
        await transformers(folder).load("")


async def test_spectra_become_sound_by_the_vocoder_beside_them(spectra: Path) -> None:
    async with ready(transformers(spectra)) as runner:
        amy = await said(runner, "Hello there.")
        bob = await said(runner, "Hello there.", voice="bob")
        events = [e async for e in runner.stream(SpeakRequest("Hello.", speed=2.0))]
    assert amy.duration > 0.5
    assert any(amy.audio)
    assert amy.audio != bob.audio
    assert [e.field for e in events if isinstance(e, Adjusted)] == ["speed"]


@pytest.mark.parametrize("part", ["vocoder", "speakers"])
async def test_spectra_without_their_belongings_say_what_to_put_there(
    tmp_path: Path, spectra: Path, part: str
) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(spectra, folder)
    shutil.rmtree(folder / part)
    with pytest.raises(NotLoadedError, match=f"into its folder {part}"):
        await transformers(folder).load("")
