"""`checked` lets good streams through and names the rule that a bad one breaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from breeze.contracts.answers import (
    Adjustment,
    ChatAnswer,
    Choice,
    Embeddings,
    Moderation,
    Picture,
    Pictures,
    Result,
    Segment,
    Speech,
    Transcription,
)
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import (
    Adjusted,
    AudioChunk,
    Embedding,
    Finish,
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
from breeze.contracts.values import Finding, Usage, Word
from breeze.testing.stream import RULES, BrokenStream, checked

VECTOR = Embedding.of(0, [1.0, 0.0])
SPAM = Finding("spam", 1.0)
PICTURE = ImageReady(b"png", 0, "image/png", 2, 2)


async def stream(*events: Any) -> AsyncGenerator[Any]:
    for event in events:
        if isinstance(event, Exception):
            raise event
        yield event


async def passed(method: str, *events: Any) -> list[Any]:
    return [event async for event in checked(stream(*events), method)]


GOOD: list[tuple[str, list[Any], Result]] = [
    (
        "chat",
        [
            Adjusted("top_k", 5, None, "not known"),
            Progress("loading", 1, 2),
            ReasoningDelta("hm"),
            TextDelta("Hel"),
            TextDelta("lo", metadata={"tokens_generated": 2}),
            TextDelta("Bye", 1),
            ToolCallDelta(0, "a", "clock"),
            ToolCallDelta(0, arguments="{}"),
            ToolCallDelta(1, "b", "bell", "{}"),
            ToolCallDelta(0, "c", "clock", "{}", choice=1),
        ],
        ChatAnswer(
            choices=(
                Choice("Hello", "hm", (ToolCall("a", "clock"), ToolCall("b", "bell"))),
                Choice("Bye", "", (ToolCall("c", "clock"),)),
            ),
            adjustments=(Adjustment("top_k", 5, None, "not known"),),
        ),
    ),
    (
        "chat",
        [
            TextDelta("Wro"),
            Restarted("a", "b", "silent"),
            TextDelta("my name is Bo"),
            Redacted(11, 13),
        ],
        ChatAnswer(choices=(Choice("my name is "),)),
    ),
    (
        "transcribe",
        [
            Transcript("good", segment=0),
            Transcript("good day", True, 0, 0.0, 1.0, words=(Word("good", 0.0, 0.5, 0.9),)),
            Transcript("all", True, 1, 1.0, 2.0),
        ],
        Transcription(
            text="good day all",
            segments=(
                Segment("good day", 0.0, 1.0, words=(Word("good", 0.0, 0.5, 0.9),)),
                Segment("all", 1.0, 2.0),
            ),
            duration=2.0,
        ),
    ),
    (
        "speak",
        [
            AudioChunk(b"ab", 0, 8_000),
            AudioChunk(b"c", 1, 8_000),
            Restarted("a", "b", "cut"),
            AudioChunk(b"zz", 0, 16_000),
        ],
        Speech(audio=b"zz", sample_rate=16_000, duration=1 / 16_000),
    ),
    (
        "moderate",
        [Verdict("SAFE", 0.0), Verdict("WARNING", 0.5, ("spam",), findings=(SPAM,))],
        Moderation(status="WARNING", risk=0.5, categories=("spam",), findings=(SPAM,)),
    ),
    ("draw", [PICTURE], Pictures(images=(Picture(b"png", "image/png", 2, 2),))),
    ("embed", [VECTOR, Embedding.of(1, [0.0, 1.0])], Embeddings(
        vectors=(VECTOR.vector, Embedding.of(1, [0.0, 1.0]).vector)
    )),
]  # fmt: skip


@pytest.mark.parametrize(("method", "events", "result"), GOOD)
async def test_a_good_stream_passes_unchanged(
    method: str, events: list[Any], result: Result
) -> None:
    for end in (Finish(), Finish(result=result)):
        assert await passed(method, *events, end) == [*events, end]


BAD: list[tuple[str, str, list[Any]]] = [
    ("stream.finish", "chat", [TextDelta("cut off")]),
    ("stream.finish", "chat", []),
    ("stream.nothing-after", "chat", [Finish(), Usage()]),
    ("stream.nothing-after", "chat", [Finish(), Finish()]),
    ("stream.event-types", "chat", [AudioChunk(b"", 0, 8_000), Finish()]),
    ("stream.event-types", "speak", [TextDelta("hello"), Finish()]),
    ("stream.event-types", "chat", ["hello", Finish()]),
    ("stream.indexes", "speak", [AudioChunk(b"", 1, 8_000), Finish()]),
    ("stream.indexes", "embed", [VECTOR, VECTOR, Finish()]),
    ("stream.indexes", "draw", [ImageReady(b"x", 2, "image/png", 1, 1), Finish()]),
    ("stream.tool-calls", "chat", [ToolCallDelta(1, "a", "clock"), Finish()]),
    ("stream.tool-calls", "chat", [ToolCallDelta(0, "", "clock"), Finish()]),
    ("stream.tool-calls", "chat", [ToolCallDelta(0, "a", ""), Finish()]),
    ("stream.segments", "transcribe", [Transcript("a"), Finish()]),
    ("stream.segments", "transcribe", [Transcript("a", segment=1), Finish()]),
    ("stream.segments", "transcribe", [Transcript("a", True), Transcript("b"), Finish()]),
    ("stream.audio-form", "speak", [AudioChunk(b"", 0, 8_000), AudioChunk(b"", 1, 8_000, 2)]),
    ("stream.usage-once", "chat", [Usage(), Usage(), Finish()]),
    ("stream.metadata", "chat", [TextDelta("a", metadata={"colour": "red"}), Finish()]),
    ("stream.metadata", "chat", [TextDelta("a", metadata={"voice_used": "x"}), Finish()]),
    ("stream.values", "moderate", [Verdict("SAFE", 1.5), Finish()]),
    ("stream.values", "moderate", [Verdict("SAFE", 0.5, findings=(Finding("a", 2.0),)), Finish()]),
    ("stream.values", "transcribe", [Transcript("a", True, 0, 2.0, 1.0), Finish()]),
    ("stream.values", "transcribe", [Transcript("a", True, confidence=1.1), Finish()]),
    ("stream.values", "transcribe", [Transcript("a", True, words=(Word("a", 3.0, 1.0),))]),
    ("stream.values", "speak", [AudioChunk(b"", 0, 0), Finish()]),
    ("stream.values", "draw", [ImageReady(b"x", 0, "image/png", 0, 1), Finish()]),
    ("stream.values", "draw", [ImageReady(b"x", 0, "text/html", 1, 1), Finish()]),
    ("stream.values", "draw", [ImageReady(b"", 0, "image/png", 1, 1), Finish()]),
    ("stream.values", "embed", [Embedding(0, b""), Finish()]),
    ("stream.values", "embed", [Embedding(0, b"abc"), Finish()]),
    ("stream.values", "embed", [Embedding.of(0, [float("nan")]), Finish()]),
    ("stream.values", "embed", [VECTOR, Embedding.of(1, [1.0]), Finish()]),
    ("stream.values", "chat", [Usage(prompt_tokens=-1), Finish()]),
    ("stream.travels", "chat", [Adjusted("top_k", object(), None, "?"), Finish()]),
    ("stream.travels", "chat", [TextDelta(b"bytes"), Finish()]),  # type: ignore[arg-type]
    ("stream.whole", "chat", [TextDelta("a"), Finish(result=ChatAnswer())]),
    ("stream.whole", "chat", [TextDelta("a"), Finish(result=Speech())]),
    ("stream.whole", "chat", [Usage(), Finish(result=ChatAnswer())]),
    ("stream.whole", "speak", [AudioChunk(b"ab", 0, 8_000), Finish(result=Speech(audio=b"a"))]),
    ("stream.whole", "embed", [VECTOR, Finish(result=Embeddings())]),
]


@pytest.mark.parametrize(("rule", "method", "events"), BAD)
async def test_a_bad_stream_is_stopped_with_the_rule(
    rule: str, method: str, events: list[Any]
) -> None:
    with pytest.raises(BrokenStream) as caught:
        await passed(method, *events)
    assert caught.value.rule == rule
    assert RULES[rule] in str(caught.value)
    assert isinstance(caught.value, AssertionError)


def test_every_rule_has_an_example_here_or_among_the_faults() -> None:
    assert {rule for rule, _, _ in BAD} == RULES.keys() - {"stream.partial"}


async def test_the_place_is_named() -> None:
    with pytest.raises(BrokenStream) as caught:
        await passed("chat", TextDelta("a"), TextDelta("b"), Usage(), Usage())
    assert caught.value.at == 3


async def test_an_error_of_the_stream_passes_as_it_is() -> None:
    with pytest.raises(ProcessingError):
        await passed("chat", TextDelta("a"), ProcessingError("Broke."))


async def test_closing_it_closes_what_it_wraps() -> None:
    inner = stream(TextDelta("a"), TextDelta("b"), Finish())
    events = checked(inner, "chat")
    await anext(events)
    await events.aclose()
    assert [event async for event in inner] == []
