"""Over several runners: what is tried again, what is not, and what the caller sees."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from breeze.contracts.errors import (
    AuthenticationError,
    InputError,
    ProcessingError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import Adjusted, Finish, Progress, Restarted, TextDelta
from breeze.testing.clock import settle
from breeze.testing.scripted import Gate, Steps
from tests.engine.lines import FINE, Lined


async def test_the_first_that_answers_is_used_and_nobody_else(lined: Lined) -> None:
    async with lined(a=[FINE], b=[FINE]) as line:
        events, failed = await line.outcome()
    assert (events, failed, line.calls) == (FINE, [], ["a"])


async def test_a_retryable_failure_is_tried_again_then_the_next_takes_over(lined: Lined) -> None:
    async with lined(a=[[UnavailableError("down")]], b=[FINE]) as line:
        events, failed = await line.outcome()
    assert events == FINE
    assert line.calls == ["a", "a", "b"]
    assert [(f.runner, f.code) for f in failed] == [("a", "E501"), ("a", "E501")]


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (AuthenticationError("key refused"), ["a", "b"]),
        (UnavailableError("down"), ["a", "a", "b"]),
        (RateLimitError("slow down", retry_after=3600), ["a", "b"]),
        (InputError("bad field", field="x"), ["a"]),
    ],
)
async def test_each_kind_of_failure_has_its_rule(
    lined: Lined, error: RunnerError, calls: list[str]
) -> None:
    async with lined(a=[[error]], b=[FINE]) as line:
        with suppress(InputError):
            await line.outcome()
    assert line.calls == calls


async def test_retry_after_is_honoured_before_the_same_route_is_tried_again(lined: Lined) -> None:
    async with lined(a=[[RateLimitError("slow down", retry_after=5)], FINE]) as line:
        task = asyncio.create_task(line.read())
        await settle()
        await line.clock.advance(4.9)
        assert line.calls == ["a"]
        await line.clock.advance(0.2)
        assert (await task)[0] == FINE
    assert line.calls == ["a", "a"]


async def test_when_all_fail_the_last_error_lists_every_try(lined: Lined) -> None:
    down, refused = UnavailableError("a down"), AuthenticationError("b refused")
    async with lined(a=[[down]], b=[[refused]]) as line:
        with pytest.raises(AuthenticationError) as caught:
            await line.outcome()
    tried = [(f.runner, f.message) for f in caught.value.attempts]
    assert tried == [("a", "a down"), ("a", "a down"), ("b", "b refused")]


async def test_what_a_failed_candidate_said_before_output_is_not_shown(lined: Lined) -> None:
    noise = Adjusted("speed", 9, 4, "its limit")
    async with lined(a=[[noise, UnavailableError("down")]], b=[[noise, *FINE]]) as line:
        assert (await line.outcome())[0] == [noise, *FINE]


async def test_progress_is_shown_at_once_and_commits_to_nothing(lined: Lined) -> None:
    loading = Progress("load")
    script = [loading, UnavailableError("down")]
    async with lined({"attempts": 1}, a=[script], b=[FINE]) as line:
        assert (await line.outcome())[0] == [loading, *FINE]


async def test_after_output_stop_raises(lined: Lined) -> None:
    half = [TextDelta("half"), ProcessingError("cut", detail="cut")]
    async with lined(a=[half], b=[FINE]) as line:
        with pytest.raises(ProcessingError, match="cut"):
            await line.outcome()
    assert line.calls == ["a"]


async def test_after_output_restart_withdraws_and_goes_on_with_the_next(lined: Lined) -> None:
    half = [TextDelta("half"), ProcessingError("it broke")]
    async with lined({"afterOutput": "restart"}, a=[half], b=[FINE]) as line:
        events, _ = await line.outcome()
    assert events == [TextDelta("half"), Restarted("a", "b", "it broke"), *FINE]


@pytest.mark.parametrize(("before", "detail"), [([], "silent"), ([TextDelta("x")], "stalled")])
async def test_a_candidate_that_says_nothing_is_abandoned(
    lined: Lined, before: Steps, detail: str
) -> None:
    gate = Gate()
    async with lined({"afterOutput": "restart"}, a=[[*before, gate]], b=[FINE]) as line:
        task = asyncio.create_task(line.read())
        await gate.started.wait()
        await line.clock.advance(19)
        assert line.scripts["a"].closes == 0
        await line.clock.advance(31)
        events, failed = await task
    assert events[-2:] == FINE
    assert line.calls == ["a", "b"]  # not tried again on the same route
    assert failed[0].code == "E501"
    assert {"silent": "in its first 20 s", "stalled": "for 30 s"}[detail] in failed[0].message


async def test_a_limit_counts_from_the_event_before(lined: Lined) -> None:
    first, second = Gate(), Gate()
    async with lined(a=[[TextDelta("1"), first, TextDelta("2"), second, Finish()]]) as line:
        task = asyncio.create_task(line.read())
        await first.started.wait()
        await line.clock.advance(29)
        first.release.set()
        await second.started.wait()
        await line.clock.advance(29)
        second.release.set()
        assert (await task)[0] == [TextDelta("1"), TextDelta("2"), Finish()]


async def test_a_slow_reader_is_not_taken_for_a_slow_runner(lined: Lined) -> None:
    async with (
        lined({"stallMs": 1000}, a=[[TextDelta("1"), TextDelta("2"), Finish()]]) as line,
        line.stream() as events,
    ):
        assert await anext(events) == TextDelta("1")
        await line.clock.advance(500)
        rest = [type(event) async for event in events]
    assert rest == [TextDelta, Finish]


async def test_closing_reaches_the_candidate(lined: Lined) -> None:
    async with lined(a=[[TextDelta("1"), TextDelta("2"), Finish()]]) as line:
        events = line.stream()
        await anext(events)
        await events.aclose()
        assert line.scripts["a"].closes == 1
