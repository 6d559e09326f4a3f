"""`pocketsphinx`: speech to text in this process, by the real decoder on recordings of a voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted, Finish, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.values import Usage
from breeze.runners.pocketsphinx import PocketsphinxRunner
from tests.runners.hearing import (
    CHILDREN,
    RATE,
    RECORDINGS,
    SAID,
    SECOND,
    SENTENCES,
    errors,
    heard,
    listening,
    raw,
    spoken,
    transcripts,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def runner() -> AsyncIterator[PocketsphinxRunner]:
    async with listening() as shared:
        yield shared


async def test_at_most_three_words_in_twenty_are_wrong(runner: PocketsphinxRunner) -> None:
    wrong = 0
    for number, sentence in enumerate(SENTENCES, 1):
        file = str(RECORDINGS / f"{number:02}.opus")
        wrong += errors(sentence, (await heard(runner, file=file)).text)

    assert wrong / len(" ".join(SENTENCES).split()) <= 0.15


async def test_words_are_heard_while_the_speaker_still_speaks(runner: PocketsphinxRunner) -> None:
    go_on = asyncio.Event()

    async def speaker() -> AsyncIterator[bytes]:
        yield CHILDREN[:SECOND]
        await go_on.wait()  # nothing more comes until a transcript has come out
        yield CHILDREN[SECOND:]

    found = []
    async with asyncio.timeout(30):
        async for event in runner.stream(TranscribeRequest(live=speaker(), sample_rate=RATE)):
            found.append(event)
            go_on.set()

    first, last = found[0], found[-3]
    assert isinstance(first, Transcript)
    assert not first.is_final
    assert first.text
    assert first.end <= 1.0
    assert isinstance(last, Transcript)
    assert (last.text, last.is_final) == (SAID, True)


async def test_a_stream_ends_with_usage_and_finish(runner: PocketsphinxRunner) -> None:
    *_, usage, finish = [event async for event in runner.stream(raw(CHILDREN))]

    assert isinstance(usage, Usage)
    assert usage.audio_seconds == pytest.approx(len(CHILDREN) / SECOND, abs=0.001)
    assert isinstance(finish, Finish)
    assert finish.result is None
    assert finish.metadata is not None
    assert finish.metadata["model_name"] == "en-us"
    assert finish.metadata["words_recognized"] == 7


async def test_each_hypothesis_replaces_the_one_before(runner: PocketsphinxRunner) -> None:
    *partials, final = await transcripts(runner, raw(CHILDREN))

    assert len(partials) > 5
    assert len({partial.text for partial in partials}) == len(partials)
    assert all(partial.confidence is None for partial in partials)
    assert final.text == SAID
    assert final.confidence is not None
    assert 0.3 < final.confidence <= 1


async def test_words_have_times_of_the_whole_sound_and_confidence(
    runner: PocketsphinxRunner,
) -> None:
    early = await heard(runner, CHILDREN)
    late = await heard(runner, bytes(2 * SECOND) + CHILDREN)

    assert [word.text for word in early.words] == SAID.split()
    for word, again in zip(early.words, late.words, strict=True):
        assert 0 <= word.start < word.end <= len(CHILDREN) / SECOND
        assert again.start == pytest.approx(word.start + 2, abs=0.15)
        assert word.confidence is not None
        assert 0 <= word.confidence <= 1
    assert early.segments[0].start == early.words[0].start
    assert early.segments[0].end == early.words[-1].end


async def test_a_silence_closes_a_segment(runner: PocketsphinxRunner) -> None:
    pause = bytes(SECOND)
    answer = await heard(runner, CHILDREN + pause + spoken(6))
    joined = await heard(runner, CHILDREN + pause + spoken(6), params={"silence_ms": 2_000})

    assert [segment.text for segment in answer.segments] == [SAID, SENTENCES[5]]
    assert answer.segments[1].start > len(CHILDREN) / SECOND
    assert len(joined.segments) == 1


@pytest.mark.parametrize("sound", [bytes(2), bytes(3 * SECOND), b"\x01\x00" * 500])
async def test_silence_is_an_empty_text_and_a_proper_end(
    runner: PocketsphinxRunner, sound: bytes
) -> None:
    answer = await heard(runner, sound)

    assert answer.text == ""
    assert answer.segments == ()
    assert answer.finish_reason == "stop"
    assert answer.usage == Usage(audio_seconds=round(len(sound) / SECOND, 3))


async def test_a_click_is_no_word(runner: PocketsphinxRunner) -> None:
    click = bytes(SECOND) + b"\xff\x7f" * 40 + bytes(SECOND)

    assert (await heard(runner, click)).text == ""


async def test_timestamps_are_given_as_asked(runner: PocketsphinxRunner) -> None:
    words = await heard(runner, CHILDREN, timestamps="word")
    segments = await heard(runner, CHILDREN, timestamps="segment")
    none = await heard(runner, CHILDREN, timestamps="none")

    assert len(words.words) == 7
    assert segments.words == none.words == ()
    assert (segments.segments[0].start, segments.segments[0].end) == (
        words.segments[0].start,
        words.segments[0].end,
    )
    assert (none.segments[0].start, none.segments[0].end) == (0, 0)
    assert words.text == segments.text == none.text


async def test_metadata_says_how_far_it_is(runner: PocketsphinxRunner) -> None:
    found = await transcripts(runner, raw(CHILDREN + bytes(SECOND) + CHILDREN))

    facts = [transcript.metadata or {} for transcript in found]
    assert [fact["is_final"] for fact in facts] == [t.is_final for t in found]
    assert [fact["segment_index"] for fact in facts] == [t.segment for t in found]
    done = [fact["audio_duration_processed_ms"] for fact in facts]
    assert done == sorted(done)
    assert facts[-1]["words_recognized"] == 14
    assert 0 < facts[-1]["overall_confidence"] <= 1


async def test_other_english_is_heard_as_the_models_are_and_said_so(
    runner: PocketsphinxRunner,
) -> None:
    for asked, used in (("en-GB", "en-US"), ("auto", "en-US")):
        answer = await heard(runner, CHILDREN[:SECOND], language=asked)
        assert [(a.field, a.asked, a.used) for a in answer.adjustments] == [
            ("language", asked, used)
        ]
        assert answer.language == "en-US"
    for fine in ("en-US", "EN-us", "en", ""):
        assert (await heard(runner, bytes(SECOND), language=fine)).adjustments == ()


async def test_another_language_is_refused(runner: PocketsphinxRunner) -> None:
    with pytest.raises(InputError, match="hears en-US, not de-DE") as caught:
        await heard(runner, CHILDREN, language="de-DE")

    assert caught.value.field == "language"


async def test_prompt_and_temperature_are_not_dropped_silently(runner: PocketsphinxRunner) -> None:
    first, second, *_ = [
        event async for event in runner.stream(raw(CHILDREN, prompt="Names", temperature=0.0))
    ]

    assert isinstance(first, Adjusted)
    assert isinstance(second, Adjusted)
    assert [first.field, second.field] == ["prompt", "temperature"]
