"""The same for every kind of work: the primary refuses, breaks amid its output, or says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from breeze.contracts.capability import METHODS
from breeze.contracts.errors import ProcessingError, RateLimitError, RunnerError, UnavailableError
from breeze.contracts.events import (
    AudioChunk,
    Embedding,
    Finish,
    ImageReady,
    Restarted,
    TextDelta,
    Transcript,
    Usage,
    Verdict,
)
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.engine.stream import EventStream
from breeze.testing.clock import settle
from breeze.testing.scripted import Gate, Steps
from breeze.testing.stream import checked
from tests.engine.lines import Lined


def sound(data: bytes, index: int) -> AudioChunk:
    return AudioChunk(data, index, 16_000)


def picture(data: bytes, index: int) -> ImageReady:
    return ImageReady(data, index, "image/png", 16, 16)


def seen(*facts: Any) -> tuple[Request[Any], Steps, Steps]:
    request, *events = facts
    return request, events[:2], events[2:]


IMAGE = Message("user", (ImagePart(data=b"png", mime="image/png"), TextPart("What is it?")))
WORK = {
    "chat": seen(
        ChatRequest.of("Hi"),
        TextDelta("one"), TextDelta(" two"),
        TextDelta("uno"), TextDelta(" due"),
    ),
    "vision": seen(
        ChatRequest((IMAGE,)),
        TextDelta("one"), TextDelta(" two"),
        TextDelta("uno"), TextDelta(" due"),
    ),
    "speech": seen(
        SpeakRequest("Hi", format="pcm"), sound(b"1111", 0), sound(b"22", 1), sound(b"3333", 0),
        sound(b"44", 1),
    ),
    "recognition": seen(
        TranscribeRequest(audio=b"RIFF"),
        Transcript("one", is_final=True), Transcript("two", is_final=True, segment=1),
        Transcript("uno", is_final=True), Transcript("due", is_final=True, segment=1),
    ),
    "images": seen(
        DrawRequest.of("a house", count=2), picture(b"1", 0), picture(b"2", 1), picture(b"3", 0),
        picture(b"4", 1),
    ),
    "embeddings": seen(
        EmbedRequest.of("x", "y"),
        Embedding.of(0, [1, 2]), Embedding.of(1, [3, 4]),
        Embedding.of(0, [5, 6]), Embedding.of(1, [7, 8]),
    ),
    "moderation": seen(
        ModerateRequest("x"),
        Verdict("SAFE", 0.0), Verdict("WARNING", 0.5),
        Verdict("SAFE", 0.1), Verdict("BLOCKED", 0.9),
    ),
}  # fmt: skip
"""Kind of work: a request, the output of the primary and that of the fallback."""
OUTPUT = [pytest.param(*facts, id=name) for name, facts in WORK.items()]
VISION = {name: {"vision": True} for name in "ab"}
END = Finish()


async def told(events: EventStream[Any]) -> AsyncGenerator[Any]:
    async for event in events:
        yield event


def facts_of(request: Request[Any]) -> dict[str, Any]:
    return VISION if request is WORK["vision"][0] else {}


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
@pytest.mark.parametrize(("request_", "ours", "theirs"), OUTPUT)
@pytest.mark.parametrize(
    ("refusal", "tries"),
    [
        (RateLimitError("slow down", retry_after=3), 2),
        (UnavailableError("off", retryable=False), 1),
    ],
    ids=["busy", "off"],
)
async def test_the_primary_refuses(
    lined: Lined,
    request_: Request[Any],
    ours: Steps,
    theirs: Steps,
    refusal: RunnerError,
    tries: int,
    whole: bool,
) -> None:
    script, facts = [*theirs, Usage(1), END], facts_of(request_)
    async with lined(a=[[refusal]], b=[script], request=request_, facts=facts) as line:
        if whole:
            answer = await line.whole()
            assert (answer.runner, answer.usage) == ("b", Usage(1))
            failed = list(answer.attempts)
        else:
            events, failed = await line.outcome()
            assert events == script
        assert line.calls == ["a"] * tries + ["b"]
        assert [(f.runner, f.code) for f in failed] == [("a", refusal.code)] * tries


@pytest.mark.parametrize("mode", ["stop", "restart", "continue"])
@pytest.mark.parametrize(("request_", "ours", "theirs"), OUTPUT)
async def test_the_primary_dies_amid_its_output(
    lined: Lined, request_: Request[Any], ours: Steps, theirs: Steps, mode: str
) -> None:
    limits, facts = {"attempts": 1, "afterOutput": mode}, facts_of(request_)
    broken: Steps = [ours[0], ProcessingError("cut", detail="cut")]
    script = [*theirs, END]
    async with lined(limits, a=[broken], b=[script], request=request_, facts=facts) as line:
        if mode == "stop":
            events = line.stream()
            assert await anext(events) == ours[0]
            with pytest.raises(ProcessingError) as caught:
                await anext(events)
            assert (caught.value.delivered, line.calls) == (1, ["a"])
        else:
            came, _ = await line.outcome()
            assert came == [ours[0], Restarted("a", "b", "cut"), *script]
        answer = await line.whole()  # of which nobody has got anything
        assert [attempt.code for attempt in answer.attempts] == ["E101"]


@pytest.mark.parametrize(("request_", "ours", "theirs"), OUTPUT)
async def test_the_primary_dies_and_the_fallback_says_the_same(
    lined: Lined, request_: Request[Any], ours: Steps, theirs: Steps
) -> None:
    limits, facts = {"attempts": 1, "afterOutput": "restart"}, facts_of(request_)
    broken: Steps = [ours[0], ProcessingError("cut", detail="cut")]
    script = [*ours, END]
    async with lined(limits, a=[broken], b=[script], request=request_, facts=facts) as line:
        assert (await line.outcome())[0] == script


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
@pytest.mark.parametrize(("request_", "ours", "theirs"), OUTPUT)
async def test_the_primary_is_silent(
    lined: Lined, request_: Request[Any], ours: Steps, theirs: Steps, whole: bool
) -> None:
    gate, script, facts = Gate(), [*theirs, END], facts_of(request_)
    limits = {"deadlineMs": 40_000}
    async with lined(limits, a=[[gate]], b=[script], request=request_, facts=facts) as line:
        request: Any = line.another()
        work = line.engine.run(request) if whole else line.read()
        task = asyncio.ensure_future(work)
        await gate.started.wait()
        await line.clock.advance(19)
        assert line.scripts["a"].closes == 0
        await line.clock.advance(1.1)
        await settle()
        assert line.scripts["a"].closes == 1
        result = await task
        assert line.calls == ["a", "b"]  # a silent route is not taken again
        if whole:
            assert result.runner == "b"
        else:
            assert result[0] == script
        assert line.scripts["a"].active == 0


@pytest.mark.parametrize(("request_", "ours", "theirs"), OUTPUT)
async def test_the_primary_falls_silent_amid_its_output(
    lined: Lined, request_: Request[Any], ours: Steps, theirs: Steps
) -> None:
    limits, facts = {"afterOutput": "restart"}, facts_of(request_)
    script = [*theirs, END]
    async with lined(
        limits, a=[[ours[0], Gate()]], b=[script], request=request_, facts=facts
    ) as line:
        came, failed = await line.outcome()
    assert came[0] == ours[0]
    assert isinstance(came[1], Restarted)
    assert came[2:] == script
    assert "for 30 s" in failed[0].message


@pytest.mark.parametrize(("request_", "ours", "theirs"), OUTPUT)
async def test_what_comes_is_sound_and_adds_up_to_the_last_answer(
    lined: Lined, request_: Request[Any], ours: Steps, theirs: Steps
) -> None:
    """As the rules of the conformance kit have it, withdrawals included."""
    limits, facts = {"attempts": 1, "afterOutput": "restart"}, facts_of(request_)
    broken: Steps = [*ours, Usage(7), UnavailableError("gone")]
    script = [*theirs, Usage(2), END]
    async with lined(limits, a=[broken], b=[script], request=request_, facts=facts) as line:
        request: Any = line.another()
        async with line.engine.stream(request) as events:
            method = METHODS[request.needs]
            *_, end = [event async for event in checked(told(events), method)]
        whole = await line.whole()
    assert end.result.usage == whole.usage == Usage(2)
    assert (end.result.attempts[0].usage, whole.attempts[0].usage) == (Usage(7), Usage(7))
    left = dict.fromkeys(("request_id", "decision", "attempts", "metadata"))
    one, other = (
        {n: getattr(a, n) for n in a.__struct_fields__} | left for a in (end.result, whole)
    )
    assert one == other
