"""How long is waited for whom, and that who was stopped is really stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, ClassVar

import pytest

from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import (
    CancelledError,
    DeadlineError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import ALIVE, ChatEvent, Finish, Progress, TextDelta
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner, runner
from breeze.engine.engine import Engine
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Gate, Script, Steps, scripted
from tests.engine.conftest import OpenEngine
from tests.engine.lines import FINE, Lined

ONCE = {"attempts": 1}


# what counts ----------------------------------------------------------------------------------


async def test_waiting_for_a_place_does_not_count(lined: Lined) -> None:
    first = Gate()
    facts = {"a": {"concurrency": 1}}
    async with lined(ONCE, facts=facts, a=[[TextDelta("x"), first, Finish()], FINE]) as line:
        ahead = asyncio.create_task(line.read())
        await first.started.wait()
        behind = asyncio.create_task(line.read())
        await settle()
        await line.clock.advance(25)
        first.release.set()
        await ahead
        assert (await behind)[0] == [Progress("queued"), *FINE]


async def test_loading_does_not_count_and_the_limit_begins_after_it(opened: OpenEngine) -> None:
    clock, load, gate = ManualClock(), Gate(), Gate()
    script = Script([gate, *FINE], on_load=[load])
    async with opened(scripted("one", script), clock=clock) as engine:
        request = ChatRequest.of("Hi", runner="one", strict=True, deadline=1000)
        task = asyncio.create_task(anext(engine.stream(request)))
        await load.started.wait()
        await clock.advance(25)
        load.release.set()
        await gate.started.wait()
        await clock.advance(19)
        assert not task.done()
        await clock.advance(2)
        with pytest.raises(UnavailableError, match="in its first 20 s"):
            await task


async def test_news_of_the_work_before_it_counts_as_life(lined: Lined) -> None:
    steps = [Gate(), Gate()]
    script: Steps = [Progress("draw", 1, 3), steps[0], Progress("draw", 2, 3), steps[1], *FINE]
    async with lined(ONCE, a=[script]) as line:
        task = asyncio.create_task(line.read())
        for gate in steps:
            await gate.started.wait()
            await line.clock.advance(15)
            gate.release.set()
        assert (await task)[0][-2:] == FINE


async def test_a_sign_of_life_keeps_a_stream_and_does_not_reach_the_caller(lined: Lined) -> None:
    gates = [Gate() for _ in range(3)]
    script: Steps = [TextDelta("x"), *(step for g in gates for step in (ALIVE, g)), Finish()]
    async with lined(ONCE, a=[script]) as line:
        task = asyncio.create_task(line.read())
        for gate in gates:
            await gate.started.wait()
            await line.clock.advance(25)
            gate.release.set()
        assert (await task)[0] == [TextDelta("x"), Finish()]


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
async def test_a_sign_of_life_does_not_stand_for_a_first_event(lined: Lined, whole: bool) -> None:
    gates = [Gate(), Gate()]
    script: Steps = [ALIVE, gates[0], ALIVE, gates[1], *FINE]
    async with lined(ONCE | {"deadlineMs": 30_000}, a=[script], b=[FINE]) as line:
        work = line.engine.run(ChatRequest.of("Hi")) if whole else line.read()
        task = asyncio.ensure_future(work)
        await gates[0].started.wait()
        await line.clock.advance(15)
        gates[0].release.set()
        await gates[1].started.wait()
        await line.clock.advance(6)
        await task
    assert line.calls == ["a", "b"]


async def test_a_sign_of_life_is_no_part_of_a_whole_answer(lined: Lined) -> None:
    async with lined(a=[[ALIVE, TextDelta("x"), ALIVE, Finish()]]) as line:
        assert (await line.whole()).text == "x"


# a stop is a stop -----------------------------------------------------------------------------


@runner("messy_stop", vendor="tests", kind=RunnerKind.LOCAL)
class MessyRunner(Runner[Parameters]):
    """Breaks in its clean-up, however it ends."""

    calls: ClassVar[int] = 0
    gate: ClassVar[Gate]

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        type(self).calls += 1
        try:
            await self.gate()
            yield Finish()
        finally:
            raise UnavailableError("cannot clean up")


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
async def test_a_caller_that_was_cancelled_is_not_served_again(
    opened: OpenEngine, whole: bool
) -> None:
    """The clean-up fails in a way that looks like a failure of the runner."""
    MessyRunner.calls, MessyRunner.gate = 0, Gate()
    request = ChatRequest.of("Hi", runner="messy_stop", strict=True, deadline=1000)
    async with opened(MessyRunner, clock=ManualClock()) as engine:
        reading = asyncio.create_task(_read(engine, request, whole=whole))
        await MessyRunner.gate.started.wait()
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        assert (MessyRunner.calls, engine.live) == (1, ())
        assert [row.status for row in engine.ledger.rows()] == ["cancelled"]


async def test_a_silent_one_whose_clean_up_fails_was_silent(opened: OpenEngine) -> None:
    MessyRunner.calls, MessyRunner.gate = 0, Gate()
    clock = ManualClock()
    request = ChatRequest.of("Hi", runner="messy_stop", strict=True, deadline=1000)
    async with opened(MessyRunner, clock=clock) as engine:
        reading = asyncio.create_task(_read(engine, request, whole=False))
        await MessyRunner.gate.started.wait()
        await clock.advance(21)
        with pytest.raises(UnavailableError, match="sent nothing in its first 20 s"):
            await reading
    assert MessyRunner.calls == 1  # a silent route is not taken again


async def _read(engine: Engine, request: ChatRequest, *, whole: bool) -> None:
    async with engine.stream(request) as events:
        await (events.result() if whole else anext(events))


@runner("deaf_stop", vendor="tests", kind=RunnerKind.LOCAL)
class DeafRunner(Runner[Parameters]):
    """Takes no notice of the first stops, and goes on waiting."""

    ignores: ClassVar[int] = 1
    stops: ClassVar[int] = 0
    started: ClassVar[asyncio.Event]

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        self.started.set()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                type(self).stops += 1
                if self.stops > self.ignores:
                    raise
            else:
                yield Finish()


@pytest.mark.parametrize("ignores", [0, 1, 2])
async def test_one_that_swallows_a_stop_for_silence_is_stopped_again(
    opened: OpenEngine, ignores: int
) -> None:
    clock = ManualClock()
    DeafRunner.stops, DeafRunner.ignores, DeafRunner.started = 0, ignores, asyncio.Event()
    request = ChatRequest.of("Hi", runner="deaf_stop", strict=True, deadline=50)
    async with opened(DeafRunner, clock=clock) as engine:
        reading = asyncio.create_task(_read(engine, request, whole=False))
        await DeafRunner.started.wait()
        for _ in range(60):
            await clock.advance(1)
        assert reading.done()
        wanted = DeadlineError if ignores == 2 else UnavailableError
        assert type(reading.exception()) is wanted
        assert reading.cancelling() == 0
        assert engine.live == ()


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
@pytest.mark.parametrize("late", [[Finish()], FINE], ids=["nothing", "text"])
async def test_an_answer_that_comes_because_of_the_stop_comes_too_late(
    lined: Lined, whole: bool, late: Steps
) -> None:
    gate = Gate()

    async def deaf() -> None:
        with suppress(asyncio.CancelledError):
            await gate()

    other: Steps = [TextDelta("other"), Finish()]
    async with lined(ONCE | {"deadlineMs": 40_000}, a=[[deaf, *late]], b=[other]) as line:
        result: Any = await (line.whole() if whole else line.outcome())
    assert line.calls == ["a", "b"]
    assert result.text == "other" if whole else result[0] == other


@pytest.mark.parametrize("waits", [False, True], ids=["answers", "waits"])
@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
async def test_a_stop_from_within_the_reading_task_is_an_error_and_nothing_else(
    opened: OpenEngine, whole: bool, waits: bool
) -> None:
    """Whoever asks for it, such as a runner, must not find itself cancelled later."""

    async def stop() -> None:
        assert engine.cancel(request.id)

    script: Steps = [stop, Gate(), *FINE] if waits else [stop, *FINE]
    request = ChatRequest.of("Hi", runner="one", strict=True)
    async with opened(scripted("one", Script(script))) as engine:
        with pytest.raises(CancelledError):
            await _read(engine, request, whole=whole)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)  # would raise
        await asyncio.sleep(0)
        assert engine.live == ()


async def test_a_deadline_tells_of_the_tries_before_it(lined: Lined) -> None:
    async with lined(ONCE, a=[[UnavailableError("down")]], b=[[Gate()]]) as line:
        with pytest.raises(DeadlineError) as caught:
            await line.outcome(deadline=10)
    assert [attempt.message for attempt in caught.value.attempts] == ["down"]
    assert isinstance(caught.value, RunnerError)
