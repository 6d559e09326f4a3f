"""`sherpa`: the real decoders with tiny models that the tests make: each tone is a word."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import Transcription
from breeze.contracts.errors import InputError, NotLoadedError
from breeze.contracts.events import Adjusted, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.runners.sherpa import SherpaParameters, SherpaRunner
from breeze.testing.media import pcm
from tests.runners.tiny_ears import TONES, WORDS, tiny_activity, tiny_ears
from tests.runners.vendor import ready
from tests.runners.whole import whole

RATE = 16_000
QUIET = pcm(1.5, tone=0)
SAID = b"".join(pcm(0.4, tone=tone) for tone in TONES)
SOUND = QUIET + SAID + QUIET + pcm(0.5, tone=TONES[2]) + QUIET


def sherpa(model: Path, **parameters: Any) -> SherpaRunner:
    return SherpaRunner(SherpaParameters.of({"model_path": model, **parameters}))


def heard(**fields: Any) -> TranscribeRequest:
    return TranscribeRequest(**{"audio": SOUND, "sample_rate": RATE, **fields})


async def test_a_streaming_model_tells_words_while_they_are_spoken(tmp_path: Path) -> None:
    model = tiny_ears(tmp_path / "streaming-nemo", streaming=True)
    async with ready(sherpa(model)) as runner:
        events = [e async for e in runner.stream(heard())]

    told = [e for e in events if isinstance(e, Transcript)]
    first = [e for e in told if e.segment == 0]
    texts = [" ".join(WORDS[:count]) for count in (1, 2, 3, 4, 4)]
    assert [e.text for e in first] == texts
    assert [e.is_final for e in first] == [False] * 4 + [True]
    assert [word.start for word in first[-1].words] == pytest.approx([1.5, 1.9, 2.3, 2.7], abs=0.1)
    assert [e.text for e in told if e.is_final] == [" ".join(WORDS), "my"]


@pytest.mark.parametrize("own_activity", [False, True])
async def test_another_model_hears_utterance_by_utterance(
    tmp_path: Path, own_activity: bool
) -> None:
    model = tiny_ears(tmp_path / "nemo", streaming=False)
    more = {"vad_model": tiny_activity(tmp_path / "vad.onnx")} if own_activity else {}
    async with ready(sherpa(model, **more)) as runner:
        answer = await whole(runner, heard(), Transcription)

    assert [segment.text for segment in answer.segments] == [" ".join(WORDS), "my"]
    assert answer.segments[0].start == pytest.approx(1.5, abs=0.15)
    assert answer.segments[1].start == pytest.approx(4.6, abs=0.15)


async def test_an_activity_model_beside_a_model_is_used(tmp_path: Path) -> None:
    model = tiny_ears(tmp_path / "nemo", streaming=False)
    tiny_activity(model / "silero_vad.onnx")
    samples = array("h", SAID)
    faint = array("h", [sample // 50 for sample in samples]).tobytes()
    async with ready(sherpa(model)) as runner:
        assert (await whole(runner, heard(), Transcription)).text
        assert not (await whole(runner, heard(audio=QUIET + faint + QUIET), Transcription)).text


async def test_a_live_source_is_heard_while_it_speaks(tmp_path: Path) -> None:
    sent = 0

    async def talk() -> AsyncIterator[bytes]:
        nonlocal sent
        for at in range(0, len(SOUND), 3_200):
            sent = at
            yield SOUND[at : at + 3_200]

    model = tiny_ears(tmp_path / "streaming-nemo", streaming=True)
    async with ready(sherpa(model)) as runner:
        events = runner.stream(TranscribeRequest(live=talk(), sample_rate=RATE))
        first = await anext(events)
        assert isinstance(first, Transcript)
        assert first.text == "hello"
        assert sent < len(SOUND) / 2
        await events.aclose()
        assert runner.work.active == 0


async def test_a_shorter_silence_ends_segments_sooner(tmp_path: Path) -> None:
    model = tiny_ears(tmp_path / "nemo", streaming=False)
    sound = SAID + pcm(1.2, tone=0) + SAID + QUIET
    async with ready(sherpa(model, silence_ms=2000)) as runner:
        assert len((await whole(runner, heard(audio=sound), Transcription)).segments) == 1
    async with ready(sherpa(model, silence_ms=800)) as runner:
        assert len((await whole(runner, heard(audio=sound), Transcription)).segments) == 2


async def test_timestamps_are_left_out_when_not_asked_for(tmp_path: Path) -> None:
    model = tiny_ears(tmp_path / "nemo", streaming=False)
    async with ready(sherpa(model)) as runner:
        answer = await whole(runner, heard(timestamps="none"), Transcription)
    assert all(not s.words and s.end == 0 for s in answer.segments)


async def test_another_language_is_refused_and_the_rest_is_told(tmp_path: Path) -> None:
    model = tiny_ears(tmp_path / "nemo", streaming=False)
    async with ready(sherpa(model, language="en")) as runner:
        with pytest.raises(InputError, match="hears en"):
            await whole(runner, heard(language="de"), Transcription)
        events = [e async for e in runner.stream(heard(prompt="names", temperature=0.2))]
    assert [e.field for e in events if isinstance(e, Adjusted)] == ["prompt", "temperature"]


async def test_files_tell_the_family_or_it_is_asked_for(tmp_path: Path) -> None:
    unnamed = tiny_ears(tmp_path / "plain", streaming=False)
    with pytest.raises(NotLoadedError, match="set family"):
        await sherpa(unnamed).load("")
    async with ready(sherpa(unnamed, family="nemo_ctc")) as runner:
        assert (await whole(runner, heard(), Transcription)).text
    with pytest.raises(NotLoadedError, match="lacks its encoder"):
        await sherpa(unnamed, family="whisper").load("")
    with pytest.raises(NotLoadedError, match="not streaming"):
        await sherpa(unnamed, family="sense_voice", mode="streaming").load("")


async def test_without_a_model_it_says_what_to_pull(tmp_path: Path) -> None:
    runner = SherpaRunner(SherpaParameters())
    runner.home = tmp_path
    assert "breeze pull sherpa-onnx-whisper-tiny" in (runner.check() or "")
    with pytest.raises(NotLoadedError, match="breeze pull"):
        await runner.load("")
