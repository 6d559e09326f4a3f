"""`mock_asr`: segments word by word, from files, bytes and live sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import Transcription
from breeze.contracts.errors import InputError
from breeze.contracts.events import Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.results import collect
from breeze.runners.mock_asr import SAID, MockASRParameters, MockASRRunner
from breeze.testing.clock import settle
from breeze.testing.media import pcm, wav
from breeze.testing.scripted import Gate
from breeze.testing.stream import checked


async def loaded(**parameters: Any) -> MockASRRunner:
    runner = MockASRRunner(MockASRParameters.of(parameters))
    await runner.load("")
    return runner


async def hear(request: TranscribeRequest, **parameters: Any) -> Transcription:
    runner = await loaded(**parameters)
    answer = await collect(checked(runner.stream(request), "transcribe"), Transcription)
    assert isinstance(answer, Transcription)
    return answer


@pytest.mark.parametrize(
    ("size", "lines"), [(500, 1), (1_999, 1), (2_000, 2), (15_000, 3), (30_000, 4), (99_999, 4)]
)
async def test_longer_sound_gets_a_longer_text(size: int, lines: int) -> None:
    answer = await hear(TranscribeRequest(audio=bytes(size)))
    assert answer.text == " ".join(SAID[:lines])
    assert "mock" in answer.text


async def test_own_transcriptions_are_heard_one_a_segment() -> None:
    answer = await hear(
        TranscribeRequest(audio=wav(2.0)), mock_transcriptions=["good morning", "", "dear engine"]
    )
    assert [segment.text for segment in answer.segments] == ["good morning", "dear engine"]


async def test_hypotheses_grow_until_they_are_final() -> None:
    runner = await loaded(mock_transcriptions="one two three\nfour")
    request = TranscribeRequest(audio=wav(1.0))
    heard = [e async for e in runner.stream(request) if isinstance(e, Transcript)]
    assert [(e.text, e.segment, e.is_final) for e in heard] == [
        ("one", 0, False),
        ("one two", 0, False),
        ("one two three", 0, True),
        ("four", 1, True),
    ]
    assert heard[0].confidence == 0.7
    assert heard[3].confidence == 0.75


async def test_words_share_the_time_evenly() -> None:
    answer = await hear(TranscribeRequest(audio=wav(2.0)), mock_transcriptions="a b\nc d")
    assert [(w.text, w.start, w.end) for w in answer.words] == [
        ("a", 0.0, 0.5),
        ("b", 0.5, 1.0),
        ("c", 1.0, 1.5),
        ("d", 1.5, 2.0),
    ]
    assert answer.duration == 2.0
    assert answer.usage is not None
    assert answer.usage.audio_seconds == 2.0


async def test_timestamps_are_given_as_asked() -> None:
    sound = wav(1.0)
    segments = (await hear(TranscribeRequest(audio=sound, timestamps="segment"))).segments
    assert segments[-1].end > 0
    assert all(not segment.words for segment in segments)
    plain = (await hear(TranscribeRequest(audio=sound, timestamps="none"))).segments
    assert all(segment.end == 0 for segment in plain)


async def test_raw_pcm_and_files_have_a_length_too(tmp_path: Path) -> None:
    raw = await hear(TranscribeRequest(audio=pcm(0.5, 8_000), sample_rate=8_000))
    assert raw.duration == pytest.approx(0.5)
    file = tmp_path / "hello.wav"
    file.write_bytes(wav(1.5, 44_100))
    assert (await hear(TranscribeRequest(file=str(file)))).duration == pytest.approx(1.5)


async def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"gone\.wav") as caught:
        await hear(TranscribeRequest(file="gone.wav"))
    assert caught.value.field == "file"


async def test_a_broken_wav_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        await hear(TranscribeRequest(audio=wav(1.0)[:30]))
    assert caught.value.field == "audio"


async def test_live_sound_is_heard_while_it_comes() -> None:
    gate = Gate()

    async def speaker() -> AsyncIterator[bytes]:
        yield pcm(0.9)
        await gate()
        yield pcm(0.9)

    runner = await loaded(mock_transcriptions="one two three four five")
    events = runner.stream(TranscribeRequest(live=speaker(), sample_rate=16_000))
    assert (await anext(events)).text == "one"
    assert (await anext(events)).text == "one two"
    assert not gate.started.is_set()
    gate.release.set()
    rest = [event async for event in events]
    assert rest[0].text == "one two three"
    assert rest[-3].is_final
    assert rest[-3].text == "one two three four"
    assert rest[-1].metadata["audio_length_ms"] == 1800


async def test_live_silence_of_nobody_is_an_empty_segment() -> None:
    async def nobody() -> AsyncIterator[bytes]:
        for block in list[bytes]():
            yield block

    answer = await hear(TranscribeRequest(live=nobody(), sample_rate=16_000))
    assert answer.text == ""
    assert len(answer.segments) == 1


async def test_a_live_speaker_who_pauses_can_be_left() -> None:
    gate = Gate()

    async def speaker() -> AsyncIterator[bytes]:
        yield pcm(0.1)
        await gate()

    runner = await loaded()
    events = runner.stream(TranscribeRequest(live=speaker(), sample_rate=16_000))
    waiting = asyncio.ensure_future(anext(events))
    await gate.started.wait()
    waiting.cancel()
    await settle()
    assert waiting.cancelled()
    assert runner.work.active == 0


async def test_what_it_cannot_use_it_says() -> None:
    request = TranscribeRequest(audio=wav(0.1), prompt="Engine", temperature=0.0, language="zh-TW")
    answer = await hear(request)
    assert [adjustment.field for adjustment in answer.adjustments] == ["prompt", "temperature"]
    assert answer.language == "zh-TW"
