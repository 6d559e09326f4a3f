"""`piper`: natural voices by the real engine, with a voice that the tests make."""

from __future__ import annotations

from array import array
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from breeze.contracts.answers import Speech
from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, AudioChunk, Finish, Progress
from breeze.contracts.model_files import EntryPoint, ModelDefinition
from breeze.contracts.requests import SpeakRequest
from breeze.runners.piper import PiperParameters, PiperRunner
from tests.runners.vendor import ready
from tests.runners.voices import RATE, tone_voice
from tests.runners.whole import whole

TWO = "Hello there, my friend. How are you today?"


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tone_voice(tmp_path_factory.mktemp("voices"))


def piper(voice: Path, **parameters: Any) -> PiperRunner:
    return PiperRunner(PiperParameters.of({"model_path": voice, **parameters}))


async def said(runner: PiperRunner, text: str = TWO, **fields: Any) -> Speech:
    return await whole(runner, SpeakRequest(text, format="pcm", **fields), Speech)


def loudness(speech: Speech) -> float:
    samples = array("h", speech.audio)
    return sum(map(abs, samples)) / len(samples)


def pitch(speech: Speech) -> float:
    """Changes of sign a second."""
    samples = array("h", speech.audio)
    crossings = sum(a < 0 <= b for a, b in pairwise(samples))
    return crossings / len(samples)


async def test_sentences_come_one_after_the_other(voice: Path) -> None:
    async with ready(piper(voice)) as runner:
        events = [e async for e in runner.stream(SpeakRequest(TWO))]

    chunks = [e for e in events if isinstance(e, AudioChunk)]
    assert chunks[0].data.startswith(b"RIFF")
    assert chunks[0].sample_rate == RATE
    told = [
        c.metadata["sentence_text"] for c in chunks if c.metadata and "sentence_text" in c.metadata
    ]
    assert list(dict.fromkeys(filter(None, told))) == [
        "Hello there, my friend.",
        "How are you today?",
    ]
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert finish.metadata is not None
    assert finish.metadata["total_sentences"] == 2
    assert finish.metadata["model_name"] == "tone"


async def test_closing_after_the_first_chunk_leaves_the_rest_unspoken(voice: Path) -> None:
    async with ready(piper(voice)) as runner:
        events = runner.stream(SpeakRequest(TWO * 100))
        await anext(events)
        await events.aclose()
        steps = runner.work.steps

        assert runner.work.active == 0
        assert steps < 100
        await said(runner)


async def test_speed_and_length_scale_change_how_long_it_takes(voice: Path) -> None:
    async with ready(piper(voice, sentence_silence_ms=0)) as runner:
        usual = (await said(runner)).duration
        assert (await said(runner, speed=2)).duration == pytest.approx(usual / 2, rel=0.02)
        slow = await said(runner, params={"length_scale": 3})
        assert slow.duration == pytest.approx(usual * 3, rel=0.02)
        paused = await said(runner, params={"sentence_silence_ms": 1000})
        assert paused.duration == pytest.approx(usual + 2, abs=0.01)


async def test_noise_volume_and_normalising_reach_the_voice(voice: Path) -> None:
    async with ready(piper(voice, normalize=False)) as runner:
        usual = loudness(await said(runner))
        lively = loudness(await said(runner, params={"noise_scale": 0.3}))
        assert lively == pytest.approx(usual / 2, rel=0.1)
        quiet = loudness(await said(runner, params={"volume": 0.5}))
        assert quiet == pytest.approx(usual / 2, rel=0.1)
        even = await said(runner, params={"normalize": True, "noise_scale": 0.1})
        assert max(array("h", even.audio)) > 30_000


async def test_a_request_names_a_speaker(voice: Path) -> None:
    async with ready(piper(voice)) as runner:
        low, high = pitch(await said(runner)), pitch(await said(runner, voice="high"))
        assert high > low * 1.1
        assert pitch(await said(runner, voice="1")) == high
        assert pitch(await said(runner, params={"speaker": "high"})) == high
        assert [choice.key for choice in await runner.voices()] == ["low", "high"]
        with pytest.raises(NotFoundError, match="high"):
            await said(runner, voice="hihg")


async def test_brackets_are_plain_text(voice: Path) -> None:
    async with ready(piper(voice)) as runner:
        answer = await said(runner, "Say [[ this ]] please.")
    assert answer.duration > 0.5


async def test_another_language_is_refused_and_another_country_is_told(voice: Path) -> None:
    async with ready(piper(voice)) as runner:
        with pytest.raises(InputError, match="en-US"):
            await said(runner, language="de-DE")
        events = [e async for e in runner.stream(SpeakRequest("Hi.", language="en-GB"))]
    assert isinstance(events[0], Adjusted)
    assert events[0].used == "en-US"


async def test_pulled_voices_are_served_and_missing_ones_say_what_to_pull(tmp_path: Path) -> None:
    runner = PiperRunner(PiperParameters())
    runner.home = tmp_path
    assert "breeze pull en_US-lessac-medium" in (runner.check() or "")
    with pytest.raises(NotLoadedError, match="breeze pull"):
        await runner.load("")

    folder = tmp_path / "models" / "my-voice"
    folder.mkdir(parents=True)
    tone_voice(folder)
    entry = EntryPoint(value="tone.onnx")
    made = ModelDefinition("my-voice", "piper", entry_point=entry, capabilities=(Capability.TTS,))
    (folder / "model.json").write_bytes(msgspec.json.encode(made))

    assert runner.check() is None
    assert [model.id for model in await runner.models()] == ["my-voice"]
    assert runner.memory("my-voice") > (folder / "tone.onnx").stat().st_size
    with pytest.raises(NotFoundError, match="breeze pull other"):
        await runner.load("other")
    told: list[Progress] = []
    runner.progress = told.append
    await runner.load("my-voice")
    assert (await said(runner)).duration > 1
    assert [(p.stage, p.done == p.total) for p in told] == [("load", False), ("load", True)]


async def test_files_that_are_no_voice_are_refused(tmp_path: Path) -> None:
    broken = tone_voice(tmp_path, "broken")
    broken.write_bytes(b"\x08\x08" + bytes(100))
    with pytest.raises(NotLoadedError, match="broken cannot be loaded"):
        await piper(broken).load("")
    with pytest.raises(NotLoadedError, match="pinyin"):
        await piper(tone_voice(tmp_path, "far", phoneme_type="pinyin")).load("")
    folder = PiperRunner(PiperParameters.of({"models_dir": tmp_path}))
    assert {model.id for model in await folder.models()} == {"broken", "far"}
