"""`whisper`: the real decoder on a tiny random model that the tests make: it babbles, in form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import Transcription
from breeze.contracts.errors import InputError, NotLoadedError
from breeze.contracts.events import Adjusted, Finish, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.values import Usage
from breeze.runners.whisper import WhisperParameters, WhisperRunner
from breeze.testing.media import pcm, wav
from tests.runners.hearing import CHILDREN
from tests.runners.tiny_whisper import tiny_whisper
from tests.runners.vendor import ready
from tests.runners.whole import whole


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper(tmp_path_factory.mktemp("models") / "whisper")


def whisper(model: Path, **parameters: Any) -> WhisperRunner:
    given = {
        "model_path": model, "vad": False, "retries": False, "beam_size": 1, "most_tokens": 12,
        "no_speech_threshold": 1.0, **parameters,
    }  # fmt: skip
    return WhisperRunner(WhisperParameters.of(given))


async def test_segments_come_as_they_are_heard(model: Path) -> None:
    async with ready(whisper(model)) as runner:
        request = TranscribeRequest(audio=wav(70.0), timestamps="none")
        events = [e async for e in runner.stream(request)]

    heard = [e for e in events if isinstance(e, Transcript)]
    assert len(heard) == 3  # stretches of 30 seconds
    assert [e.segment for e in heard] == [0, 1, 2]
    assert all(e.is_final and e.text and e.language == "en" for e in heard)
    usage, finish = events[-2:]
    assert isinstance(usage, Usage)
    assert usage.audio_seconds == 70
    assert isinstance(finish, Finish)
    assert finish.metadata is not None
    assert finish.metadata["language_detected"] == "en"


async def test_words_have_times_when_asked_for(model: Path) -> None:
    async with ready(whisper(model)) as runner:
        words = await whole(runner, TranscribeRequest(audio=wav(3.0)), Transcription)
        segments = TranscribeRequest(audio=wav(3.0), timestamps="segment")
        plain = await whole(runner, segments, Transcription)

    timed = [word for segment in words.segments for word in segment.words]
    assert timed
    assert all(0 <= word.start <= word.end <= 31 for word in timed)
    assert not any(segment.words for segment in plain.segments)


async def test_a_model_of_one_language_says_so(model: Path) -> None:
    async with ready(whisper(model)) as runner:
        unknown = TranscribeRequest(audio=wav(2.0), language="auto")
        assert (await whole(runner, unknown, Transcription)).language == "en"
        request = TranscribeRequest(audio=wav(2.0), language="en-GB")
        events = [e async for e in runner.stream(request)]
        assert isinstance(events[0], Adjusted)
        assert events[0].used == "en"
        with pytest.raises(InputError, match="hears en, not de"):
            await whole(runner, TranscribeRequest(audio=wav(2.0), language="de"), Transcription)


async def test_what_holds_no_speech_is_left_out(model: Path) -> None:
    async with ready(whisper(model, vad=True)) as runner:
        answer = await whole(runner, TranscribeRequest(audio=wav(3.0, tone=0)), Transcription)
    assert answer.text == ""


async def test_the_text_is_bounded_by_most_tokens(model: Path) -> None:
    async with ready(whisper(model)) as runner:
        request = TranscribeRequest(audio=wav(2.0), timestamps="none")
        usual = (await whole(runner, request, Transcription)).text
        few = TranscribeRequest(audio=wav(2.0), timestamps="none", params={"most_tokens": 2})
        short = (await whole(runner, few, Transcription)).text
    assert len(short) < len(usual)


async def test_a_live_source_is_heard_utterance_by_utterance(model: Path) -> None:
    async def talk() -> AsyncIterator[bytes]:
        quiet = pcm(1.5, tone=0)
        for sound in (quiet, CHILDREN, quiet, CHILDREN, quiet):
            yield sound

    async with ready(whisper(model)) as runner:
        request = TranscribeRequest(live=talk(), sample_rate=16_000, timestamps="segment")
        events = [e async for e in runner.stream(request)]

    heard = [e for e in events if isinstance(e, Transcript)]
    assert len(heard) >= 2
    assert heard[-1].start > 1.5


async def test_closing_after_the_first_segment_leaves_the_rest_unheard(model: Path) -> None:
    async with ready(whisper(model)) as runner:
        events = runner.stream(TranscribeRequest(audio=wav(150.0), timestamps="none"))
        await anext(events)
        await events.aclose()
        assert runner.work.active == 0
        assert runner.work.steps < 5


async def test_a_model_without_its_tokenizer_is_refused_and_none_is_fetched(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "vocabulary.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(NotLoadedError, match=r"tokenizer\.json"):
        await whisper(tmp_path).load("")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(NotLoadedError, match="cannot be loaded"):
        await whisper(tmp_path).load("")
    missing = WhisperRunner(WhisperParameters())
    missing.home = tmp_path
    assert "breeze pull faster-whisper-tiny" in (missing.check() or "")
