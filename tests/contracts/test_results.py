"""A whole answer is one fold over its stream, however the stream was cut into pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breeze.contracts.answers import (
    Answer,
    ChatAnswer,
    Choice,
    Embeddings,
    Moderation,
    Pictures,
    Result,
    Speech,
    Transcription,
)
from breeze.contracts.capability import METHODS
from breeze.contracts.errors import ProcessingError, RateLimitError
from breeze.contracts.events import (
    Adjusted,
    AnyEvent,
    AudioChunk,
    Embedding,
    Finish,
    ImageFailed,
    ImageReady,
    Progress,
    ReasoningDelta,
    Redacted,
    Restarted,
    TextDelta,
    ToolCallDelta,
    Transcript,
    Verdict,
)
from breeze.contracts.messages import ToolCall
from breeze.contracts.results import ANSWERS, Fold, collect, cut, with_facts
from breeze.contracts.values import Finding, TokenLogprob, Usage, Word
from breeze.contracts.wav import wav_header


def folded(*events: AnyEvent, into: type[Answer] = ChatAnswer, end: Finish | None = None) -> Any:
    fold = Fold(into)
    for event in events:
        fold.add(event)
    return fold.result(end or Finish())


def pieces(text: str, cuts: Iterable[int]) -> list[str]:
    """`text` split at `cuts`."""
    places = [0, *sorted(c % (len(text) + 1) for c in cuts), len(text)]
    return [text[a:b] for a, b in pairwise(places)]


CUTS = st.lists(st.integers(0, 1000), max_size=8)


@given(st.text(), CUTS)
def test_any_split_of_a_text_gives_the_same_text(text: str, cuts: list[int]) -> None:
    answer = folded(*(TextDelta(piece) for piece in pieces(text, cuts)))
    assert answer == ChatAnswer(choices=(Choice(text),))


@given(st.text(), st.text(), CUTS, st.randoms())
def test_choices_and_reasoning_keep_apart(one: str, two: str, cuts: list[int], random: Any) -> None:
    streams = [
        [TextDelta(p, choice=0) for p in pieces(one, cuts)],
        [TextDelta(p, choice=1) for p in pieces(two, cuts)],
        [ReasoningDelta(p, choice=1) for p in pieces(one, cuts)],
    ]
    mixed: list[AnyEvent] = []
    while any(streams):
        mixed.append(random.choice([s for s in streams if s]).pop(0))
    assert folded(*mixed).choices == (Choice(one), Choice(two, one))


@given(st.binary(), CUTS)
def test_any_split_of_a_sound_gives_the_same_sound(sound: bytes, cuts: list[int]) -> None:
    parts = pieces(sound.decode("latin-1"), cuts)
    events = [AudioChunk(p.encode("latin-1"), i, 16_000) for i, p in enumerate(parts)]
    speech = folded(*events, into=Speech)
    assert speech.audio == sound
    assert speech.duration == len(sound) / 32_000


@given(st.text(), CUTS)
def test_any_split_of_tool_arguments_gives_the_same_call(text: str, cuts: list[int]) -> None:
    first, *rest = pieces(text, cuts)
    events = [
        ToolCallDelta(0, "call-1", "clock", first),
        *(ToolCallDelta(0, "", "", p) for p in rest),
    ]
    assert folded(*events).tool_calls == (ToolCall("call-1", "clock", text or "{}"),)


def test_calls_come_in_the_order_of_their_index() -> None:
    events = [ToolCallDelta(1, "b", "two", "{}"), ToolCallDelta(0, "a", "one", '{"x":1}')]
    answer = folded(*events, end=Finish("tool_calls"))
    assert [call.id for call in answer.tool_calls] == ["a", "b"]
    assert answer.finish_reason == answer.choices[0].finish_reason == "tool_calls"


def test_probabilities_stay_with_their_choice() -> None:
    token = TokenLogprob("Hi", -0.1, (("Hi", -0.1), ("Ho", -3.0)))
    answer = folded(TextDelta("Hi", logprobs=(token,)), TextDelta(" you", choice=1))
    assert answer.choices == (Choice("Hi", logprobs=(token,)), Choice(" you"))


def test_a_restart_withdraws_everything_that_was_sent() -> None:
    answer = folded(
        TextDelta("Wrong"),
        ReasoningDelta("hm", choice=1),
        ToolCallDelta(0, "a", "one"),
        Restarted("first", "second", "stalled"),
        TextDelta("Right"),
    )
    assert answer.choices == (Choice("Right"),)


def test_a_restart_withdraws_sound_too() -> None:
    speech = folded(
        AudioChunk(b"ab", 0, 8_000),
        Restarted("first", "second", "broke"),
        AudioChunk(b"cd", 0, 16_000),
        into=Speech,
    )
    assert (speech.audio, speech.sample_rate) == (b"cd", 16_000)


def test_a_restart_withdraws_what_was_adjusted_for_the_answer_before() -> None:
    adjusted = Adjusted("n", 2, 1, "one answer at a time")
    before = Adjusted("seed", 1, None, "the first has none")
    answer = folded(before, Restarted("first", "second", "broke"), adjusted, TextDelta("Hi"))
    assert [(a.field, a.asked, a.used, a.why) for a in answer.adjustments] == [
        ("n", 2, 1, "one answer at a time")
    ]


@given(st.text(), st.integers(0, 50), st.integers(0, 50), st.text(max_size=5))
def test_a_redaction_replaces_a_span(text: str, start: int, length: int, mask: str) -> None:
    fold = Fold(ChatAnswer)
    fold.add(TextDelta(text))
    fold.add(Redacted(start, start + length, mask))
    fold.add(TextDelta("!"))
    assert fold.text() == text[:start] + mask + text[start + length :] + "!"


def test_a_redaction_leaves_other_choices_alone() -> None:
    answer = folded(
        TextDelta("my card"), TextDelta("my card", choice=1), Redacted(3, 7, "****", choice=1)
    )
    assert [choice.text for choice in answer.choices] == ["my card", "my ****"]


def test_the_text_so_far_can_be_asked_for() -> None:
    fold = Fold(ChatAnswer)
    assert fold.text() == fold.text(3) == ""
    fold.add(TextDelta("Hi"))
    fold.add(Progress("thinking"))
    assert (fold.text(), fold.count) == ("Hi", 2)


def test_usage_metadata_and_reason_reach_the_answer() -> None:
    usage = Usage(prompt_tokens=3, completion_tokens=4)
    answer = folded(TextDelta("Hi"), usage, end=Finish("length", metadata={"token_count": 4}))
    assert answer.usage == usage
    assert usage.total_tokens == 7
    assert (answer.finish_reason, answer.metadata) == ("length", {"token_count": 4})


def test_final_segments_make_a_transcription() -> None:
    words = (Word("good", 0.1, 0.3, 0.9), Word("morning", 0.3, 0.8, 0.8))
    heard = folded(
        Transcript("could"),
        Transcript("good morning", True, 0, 0.1, 0.8, 0.85, "en-US", words),
        Transcript("", True, 1, 0.8, 0.9),
        Transcript("all", False, 2, 1.0, 1.2),
        Transcript("all of you", True, 2, 1.0, 1.7, words=(Word("all", 1.0, 1.2),)),
        into=Transcription,
    )
    assert heard.text == "good morning all of you"
    assert [segment.text for segment in heard.segments] == ["good morning", "", "all of you"]
    assert [word.text for word in heard.words] == ["good", "morning", "all"]
    assert (heard.language, heard.duration) == ("en-US", 1.7)


def test_streamed_wav_is_closed_and_measured() -> None:
    chunks = [
        AudioChunk(wav_header(8_000, 2), 0, 8_000, 2, "wav"),
        AudioChunk(bytes(32_000), 1, 8_000, 2, "wav", (Word("hi", 0, 0.5),)),
    ]
    speech = folded(*chunks, into=Speech)
    assert speech.audio[40:44] == (32_000).to_bytes(4, "little")
    assert (speech.duration, speech.channels, speech.format) == (1.0, 2, "wav")
    assert [word.text for word in speech.words] == ["hi"]


def test_the_length_of_compressed_sound_is_not_guessed() -> None:
    assert folded(AudioChunk(b"ID3", 0, 44_100, 2, "mp3"), into=Speech).duration == 0
    assert folded(AudioChunk(b"ab", 0, 0), into=Speech).duration == 0


def test_the_last_verdict_counts() -> None:
    finding = Finding("violence", 0.9, "threat", 2, 6)
    verdict = folded(
        Verdict("SAFE", 0.1),
        Verdict("BLOCKED", 0.9, ("violence",), "BLOCK", "I **** you", (finding,)),
        into=Moderation,
    )
    assert (verdict.status, verdict.risk, verdict.action) == ("BLOCKED", 0.9, "BLOCK")
    assert (verdict.categories, verdict.findings) == (("violence",), (finding,))
    assert verdict.filtered_text == "I **** you"


def test_pictures_and_vectors_come_in_order() -> None:
    drawn = folded(
        ImageReady(b"a", 0, "image/png", 64, 32, seed=7, cost=0.01),
        ImageReady(b"b", 1, "image/png", 64, 32, prompt=1, file="b.png", url="u"),
        into=Pictures,
    )
    assert [(p.data, p.seed, p.cost, p.prompt) for p in drawn.images] == [
        (b"a", 7, 0.01, 0),
        (b"b", None, None, 1),
    ]
    assert (drawn.images[1].file, drawn.images[1].url) == ("b.png", "u")
    first, second = Embedding.of(0, [1, -0.5]), Embedding.of(1, [0.25, 0])
    assert folded(first, second, into=Embeddings).vectors == (first.vector, second.vector)
    assert (first.values, second.values) == ([1, -0.5], [0.25, 0])


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=20))
def test_a_vector_keeps_its_numbers(values: list[float]) -> None:
    event = Embedding.of(3, values)
    assert event.values == values
    assert len(event.vector) == 4 * len(values)


@pytest.mark.parametrize("method", ANSWERS)
def test_an_empty_stream_gives_an_empty_answer(method: str) -> None:
    assert folded(into=ANSWERS[method]) == ANSWERS[method]()


def test_every_method_has_its_answer() -> None:
    assert set(ANSWERS) == set(METHODS.values())


async def stream(*events: AnyEvent, error: Exception | None = None) -> AsyncIterator[AnyEvent]:
    for event in events:
        yield event
    if error:
        raise error


async def test_collect_gives_the_whole_answer() -> None:
    answer = await collect(stream(TextDelta("Good "), TextDelta("morning"), Finish()))
    assert isinstance(answer, ChatAnswer)
    assert answer.text == "Good morning"


async def test_collect_takes_the_result_that_the_end_brings() -> None:
    whole = ChatAnswer(runner="first", choices=(Choice("Hi"),))
    assert await collect(stream(TextDelta("Hi"), Finish(result=whole))) is whole


async def test_collect_raises_what_the_stream_raises() -> None:
    with pytest.raises(RateLimitError):
        await collect(stream(TextDelta("Hi"), error=RateLimitError("Slow down.")))


async def test_a_stream_without_an_end_was_cut() -> None:
    with pytest.raises(ProcessingError, match="cut after 2 events") as caught:
        await collect(stream(TextDelta("Good "), TextDelta("mor")))
    assert (caught.value.detail, caught.value.delivered) == ("cut", 2)
    assert caught.value.retryable
    assert cut(2).info() == caught.value.info()


def test_facts_are_added_to_a_copy() -> None:
    plain: Result = ChatAnswer(choices=(Choice("Hi"),))
    known = with_facts(plain, runner="first", model="small", mock=True)
    assert (known.runner, known.model, known.mock) == ("first", "small", True)
    assert plain.runner == ""


async def test_pictures_that_failed_stand_beside_those_that_did_not() -> None:
    error = RateLimitError("Too many.").info()

    async def events() -> AsyncIterator[AnyEvent]:
        yield ImageReady(b"one", 0, "image/png", 8, 8)
        yield ImageFailed(error, prompt=1, number=2)
        yield Finish()

    answer = await collect(events(), Pictures)
    assert isinstance(answer, Pictures)
    assert [picture.data for picture in answer.images] == [b"one"]
    assert [(lost.prompt, lost.number, lost.error.code) for lost in answer.failures] == [
        (1, 2, "E429")
    ]
