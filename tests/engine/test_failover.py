"""Over several runners: what is tried again, what is not, and what the caller sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest

from breeze.contracts.errors import (
    Attempt,
    AuthenticationError,
    InputError,
    ProcessingError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import Adjusted, Finish, Progress, Restarted, TextDelta
from breeze.engine.failover import Policy, failover
from breeze.engine.selection import Choice
from breeze.engine.watch import Watch
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Gate

Steps = list[Any]
FINE: Steps = [TextDelta("fine"), Finish()]


class Line:
    """Runners by name; each call follows the next of its scripts. `calls` is who was called."""

    def __init__(self, **scripts: list[Steps]) -> None:
        self.scripts = scripts
        self.calls: list[str] = []
        self.closed: list[str] = []

    @property
    def order(self) -> tuple[Choice, ...]:
        return tuple(Choice(name, "", "") for name in self.scripts)

    async def attempt(self, choice: Choice) -> AsyncGenerator[Any]:
        self.calls.append(choice.name)
        scripts = self.scripts[choice.name]
        steps = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        try:
            for step in steps:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, Gate):
                    await step()
                else:
                    yield step
        finally:
            self.closed.append(choice.name)


async def outcome(
    line: Line, policy: Policy | None = None, clock: ManualClock | None = None
) -> tuple[list[Any], list[Attempt]]:
    failed: list[Attempt] = []
    quick = policy or Policy(first_wait=0)
    watch, seen = Watch(), []
    events = failover(line.order, line.attempt, quick, clock or ManualClock(), watch, failed)
    while True:
        try:
            with watch:
                seen.append(await anext(events))
        except StopAsyncIteration:
            return seen, failed


async def test_the_first_that_answers_is_used_and_nobody_else() -> None:
    line = Line(a=[FINE], b=[FINE])
    events, failed = await outcome(line)
    assert (events, failed, line.calls) == (FINE, [], ["a"])


async def test_a_retryable_failure_is_tried_again_then_the_next_takes_over() -> None:
    line = Line(a=[[UnavailableError("down")]], b=[FINE])
    events, failed = await outcome(line)
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
async def test_each_kind_of_failure_has_its_rule(error: RunnerError, calls: list[str]) -> None:
    line = Line(a=[[error]], b=[FINE])
    with suppress(InputError):
        await outcome(line)
    assert line.calls == calls


async def test_retry_after_is_honoured_before_the_same_route_is_tried_again() -> None:
    clock = ManualClock()
    line = Line(a=[[RateLimitError("slow down", retry_after=5)], FINE])
    task = asyncio.create_task(outcome(line, Policy(), clock))
    await settle()
    await clock.advance(4.9)
    assert line.calls == ["a"]
    await clock.advance(0.2)
    assert (await task)[0] == FINE
    assert line.calls == ["a", "a"]


async def test_when_all_fail_the_last_error_lists_every_try() -> None:
    line = Line(a=[[UnavailableError("a down")]], b=[[AuthenticationError("b refused")]])
    with pytest.raises(AuthenticationError) as caught:
        await outcome(line)
    tried = [(f.runner, f.message) for f in caught.value.attempts]
    assert tried == [("a", "a down"), ("a", "a down"), ("b", "b refused")]


async def test_what_a_failed_candidate_said_before_output_is_not_shown() -> None:
    noise = Adjusted("speed", 9, 4, "its limit")
    line = Line(a=[[noise, UnavailableError("down")]], b=[[noise, *FINE]])
    assert (await outcome(line))[0] == [noise, *FINE]


async def test_progress_is_shown_at_once_and_commits_to_nothing() -> None:
    loading = Progress("load")
    line = Line(a=[[loading, UnavailableError("down")]], b=[FINE])
    assert (await outcome(line, Policy(attempts=1)))[0] == [loading, *FINE]


async def test_after_output_stop_raises() -> None:
    line = Line(a=[[TextDelta("half"), ProcessingError("cut", detail="cut")]], b=[FINE])
    with pytest.raises(ProcessingError, match="cut"):
        await outcome(line)
    assert line.calls == ["a"]


async def test_after_output_restart_withdraws_and_goes_on_with_the_next() -> None:
    line = Line(a=[[TextDelta("half"), ProcessingError("it broke")]], b=[FINE])
    events, _ = await outcome(line, Policy(after_output="restart"))
    assert events == [TextDelta("half"), Restarted("a", "b", "it broke"), *FINE]


@pytest.mark.parametrize(("before", "detail"), [([], "silent"), ([TextDelta("x")], "stalled")])
async def test_a_candidate_that_says_nothing_is_abandoned(before: Steps, detail: str) -> None:
    clock, gate = ManualClock(), Gate()
    line = Line(a=[[*before, gate]], b=[FINE])
    policy = Policy(first_event=20, stall=30, after_output="restart")
    task = asyncio.create_task(outcome(line, policy, clock))
    await gate.started.wait()
    await clock.advance(19)
    assert line.closed == []
    await clock.advance(31)
    events, failed = await task
    assert events[-2:] == FINE
    assert line.calls == ["a", "b"]  # not tried again on the same route
    assert failed[0].code == "E501"
    assert {"silent": "in its first 20 s", "stalled": "for 30 s"}[detail] in failed[0].message


async def test_a_slow_reader_is_not_taken_for_a_slow_runner() -> None:
    clock = ManualClock()
    line = Line(a=[[TextDelta("1"), TextDelta("2"), Finish()]])
    events = failover(line.order, line.attempt, Policy(stall=1), clock, Watch(), [])
    assert await anext(events) == TextDelta("1")
    await clock.advance(1000)
    assert [event async for event in events] == [TextDelta("2"), Finish()]


async def test_no_timer_is_left_behind() -> None:
    clock = ManualClock()
    await outcome(Line(a=[FINE]), Policy(), clock)
    assert clock.pending == 0


async def test_closing_reaches_the_candidate() -> None:
    line = Line(a=[[TextDelta("1"), TextDelta("2"), Finish()]])
    events = failover(line.order, line.attempt, Policy(), ManualClock(), Watch(), [])
    await anext(events)
    await events.aclose()
    assert line.closed == ["a"]
