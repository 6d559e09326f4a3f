"""What each kind of failure leads to: the same runner again, the next one, or the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    CODES,
    AuthenticationError,
    BlockedError,
    CapabilityError,
    DeadlineError,
    HardwareError,
    InputError,
    MemoryLimitError,
    NotFoundError,
    OverloadedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    RecognitionError,
    RunnerError,
    TooLargeError,
    UnavailableError,
    VersionError,
)
from breeze.contracts.events import Adjusted, AudioChunk, Finish
from breeze.contracts.fields import integer
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.runner import ModelInfo
from breeze.engine.rules import RULES
from breeze.testing.clock import settle
from tests.engine.lines import FINE, Lined

CONTEXT = InputError("too long", field="messages", detail="context_length_exceeded")


def test_every_kind_has_a_rule() -> None:
    assert set(RULES) == set(CODES.values())


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (ProcessingError("cut", detail="cut"), ["a", "a", "b"]),
        (RecognitionError("mumbled"), ["a", "b"]),
        (DeadlineError("its own server was slow"), ["a", "a", "b"]),
        (InputError("bad field", field="x"), ["a"]),
        (InputError("a conflict", retryable=True), ["a", "a"]),
        (AuthenticationError("key refused"), ["a", "b"]),
        (AuthenticationError("key refused", retryable=True), ["a", "b"]),
        (QuotaError("nothing left"), ["a", "b"]),
        (QuotaError("nothing left", retryable=True), ["a", "b"]),
        (NotFoundError("no such model", field="model"), ["a", "b"]),
        (CapabilityError("cannot"), ["a", "b"]),
        (VersionError("too old"), ["a", "b"]),
        (TooLargeError("too much"), ["a"]),
        (RateLimitError("slow down"), ["a", "a", "b"]),
        (UnavailableError("down"), ["a", "a", "b"]),
        (UnavailableError("down", retryable=False), ["a", "b"]),
        (HardwareError("no NPU"), ["a", "b"]),
        (MemoryLimitError("too big"), ["a", "b"]),
        (OverloadedError("full"), ["a", "a", "b"]),
        (BlockedError("refused"), ["a"]),
        (ValueError("a fault of the runner's"), ["a", "a", "b"]),
    ],
    ids=repr,
)
async def test_who_is_asked_after_it(lined: Lined, error: Exception, calls: list[str]) -> None:
    async with lined(a=[[error]], b=[FINE]) as line:
        if "b" in calls:
            assert (await line.outcome())[0] == FINE
        else:
            with pytest.raises(type(error)):
                await line.outcome()
    assert line.calls == calls


async def test_a_content_policy_is_gone_round_where_the_configuration_says_so(lined: Lined) -> None:
    refused = BlockedError("the provider refuses it")
    async with lined({"contentPolicy": "next"}, a=[[refused]], b=[FINE]) as line:
        events, failed = await line.outcome()
    assert (events, line.calls) == (FINE, ["a", "b"])
    assert [attempt.code for attempt in failed] == ["G100"]


# how long is waited ---------------------------------------------------------------------------


async def test_waits_grow_and_are_never_all_the_same(lined: Lined) -> None:
    waits = set()
    for _ in range(3):
        async with lined({"attempts": 5}, a=[[UnavailableError("down")]]) as line:
            task = asyncio.create_task(line.read())
            await settle()
            for step in range(4):
                begun, most = line.clock.now(), 0.5 * 2**step
                while len(line.calls) == step + 1:
                    await line.clock.advance(0.01)
                wait = line.clock.now() - begun
                assert most / 2 <= wait <= most + 0.02
                waits.add(round(wait / most, 2))
            with pytest.raises(UnavailableError):
                await task
            assert len(line.calls) == 5
    assert len(waits) > 1


async def test_a_hint_that_is_long_sends_to_the_next_at_once(lined: Lined) -> None:
    busy = RateLimitError("slow down", retry_after=60)
    async with lined(a=[[busy]], b=[FINE]) as line:
        await line.read()  # no time passes
    assert line.calls == ["a", "b"]


async def test_the_last_one_is_waited_for_as_long_as_it_says_when_there_is_time(
    lined: Lined,
) -> None:
    busy = RateLimitError("slow down", retry_after=60)
    async with lined(a=[[busy], FINE]) as line:
        task = asyncio.create_task(line.read())
        await settle()
        await line.clock.advance(59)
        assert line.calls == ["a"]
        await line.clock.advance(1.1)
        assert (await task)[0] == FINE


@pytest.mark.parametrize("hint", [500.0, 99_999.0])
async def test_a_hint_beyond_the_deadline_or_all_patience_ends_at_once_and_is_kept(
    lined: Lined, hint: float
) -> None:
    busy = RateLimitError("slow down", retry_after=hint)
    async with lined({"deadlineMs": 50_000}, a=[[busy]]) as line:
        with pytest.raises(RateLimitError) as caught:
            await line.read()
        assert line.clock.now() == 0
    assert (caught.value.retry_after, line.calls) == (hint, ["a"])


# what only some can take ----------------------------------------------------------------------


def window(tokens: int) -> dict[str, Any]:
    info = ModelInfo("m", (Capability.LLM,), context=tokens)
    return {"models": (info,), "default_model": "m"}


@pytest.mark.parametrize(
    ("windows", "calls"),
    [
        ((4, 8, 16), ["a", "b"]),
        ((8, 4, 16), ["a", "c"]),
        ((8, 0, 16), ["a", "c"]),
        ((8, 8, 0), ["a"]),
        ((0, 8, 0), ["a", "b"]),
    ],
)
async def test_what_is_too_long_goes_only_to_a_larger_window(
    lined: Lined, windows: tuple[int, ...], calls: list[str]
) -> None:
    facts = {name: window(size * 1024) for name, size in zip("abc", windows, strict=True)}
    async with lined(a=[[CONTEXT]], b=[FINE], c=[FINE], facts=facts) as line:
        if calls == ["a"]:
            with pytest.raises(InputError, match="too long"):
                await line.outcome()
        else:
            assert (await line.outcome())[0] == FINE
    assert line.calls == calls


class OwnParameters(Parameters):
    """Has a parameter of its own."""

    warmth: int = integer(3, "Of the tone", per_request=True)


async def test_a_stand_in_is_not_given_parameters_that_it_does_not_have(lined: Lined) -> None:
    facts = {"a": {"parameters": OwnParameters}}
    async with lined(a=[[QuotaError("used up")]], b=[FINE], facts=facts) as line:
        events, _ = await line.outcome(params={"warmth": 5})
        answer = await line.whole(params={"warmth": 5})
    why = "b stands in, and has no such parameter"
    assert events == [Adjusted("params.warmth", 5, None, why), *FINE]
    assert [adjustment.field for adjustment in answer.adjustments] == ["params.warmth"]
    assert [dict(request.params) for request in line.asked] == [{"warmth": 5}, {}] * 2


async def test_it_is_said_when_another_answers_than_the_one_named(lined: Lined) -> None:
    async with lined(a=[[QuotaError("used up")]], b=[FINE]) as line:
        events, _ = await line.outcome(model="a/big")
    assert events == [Adjusted("model", "a/big", "b", "what was asked for could not answer"), *FINE]


async def test_a_strict_request_is_answered_by_nobody_else(lined: Lined) -> None:
    async with lined(a=[[QuotaError("used up")]], b=[FINE]) as line:
        with pytest.raises(QuotaError):
            await line.outcome(runner="a", strict=True)
    assert line.calls == ["a"]


@pytest.mark.parametrize("complaint", [NotFoundError("no", field="voice"), TooLargeError("no")])
async def test_a_complaint_of_a_stand_in_does_not_hide_why_it_was_asked(
    lined: Lined, complaint: RunnerError
) -> None:
    async with lined({"attempts": 1}, a=[[UnavailableError("down")]], b=[[complaint]]) as line:
        with pytest.raises(UnavailableError) as caught:
            await line.outcome()
    assert [attempt.code for attempt in caught.value.attempts] == ["E501", complaint.code]


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
async def test_a_stand_in_speaks_in_its_own_voice_when_it_has_none_of_that_name(
    lined: Lined, whole: bool
) -> None:
    spoken = [AudioChunk(b"ab", 0, 24_000, format="pcm"), Finish()]
    wanted = SpeakRequest("Hi", format="pcm", voice="Ann")
    down, no = UnavailableError("down", retryable=False), NotFoundError("no", field="voice")
    told = Adjusted("voice", "Ann", None, "b stands in, and has voices of its own")
    async with lined(a=[[down]], b=[[no], spoken], request=wanted) as line:
        if whole:
            answer = await line.whole()
            assert answer.adjustments[0].field == "voice"
        else:
            assert (await line.outcome())[0] == [told, *spoken]
        assert [request.voice for request in line.asked] == ["Ann", "Ann", ""]


async def test_a_voice_that_the_first_one_does_not_have_is_an_error(lined: Lined) -> None:
    no, wanted = NotFoundError("no", field="voice"), SpeakRequest("Hi", voice="Ann")
    async with lined(a=[[no]], b=[[no]], request=wanted) as line:
        with pytest.raises(NotFoundError):
            await line.outcome()
    assert line.calls == ["a", "b"]
