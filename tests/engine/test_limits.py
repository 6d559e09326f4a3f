"""One timer minds all requests: each is ended at its own time, however many there are."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator, Awaitable
from typing import Any, ClassVar

import pytest

from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import (
    CancelledError,
    DeadlineError,
    ProcessingError,
    RunnerError,
)
from breeze.contracts.events import ChatEvent, Finish, TextDelta
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner, runner
from breeze.engine.engine import Engine
from breeze.engine.stream import EventStream
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Gate, Script, scripted
from tests.engine.conftest import OpenEngine

HELLO = [TextDelta("Hel"), TextDelta("lo"), Finish()]


def chat(**fields: Any) -> ChatRequest:
    return ChatRequest.of("Hi", runner="one", strict=True, **fields)


async def test_many_requests_share_one_timer_and_end_each_at_its_time(opened: OpenEngine) -> None:
    clock = ManualClock()
    script = Script([Gate()])
    async with opened(scripted("one", script, concurrency=100), clock=clock) as engine:
        await engine.explain(chat())  # asking runners for their models has a limit of its own
        requests = [chat(deadline=seconds) for seconds in (9, 3, 6, 3.5, 12)]
        tasks = [asyncio.create_task(engine.run(request)) for request in requests]
        await settle()
        assert clock.pending == 1
        left = []
        for _ in range(13):
            await clock.advance(1)
            left.append(len(engine.live))
        assert left == [5, 5, 4, 3, 3, 2, 2, 2, 1, 1, 1, 0, 0]
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(error, DeadlineError) for error in ended)
    assert clock.pending == 0


async def test_a_deadline_ends_what_nobody_reads(opened: OpenEngine) -> None:
    clock, script = ManualClock(), Script(HELLO)
    async with (
        opened(scripted("one", script), clock=clock) as engine,
        engine.stream(chat(deadline=2)) as events,
    ):
        await anext(events)
        await clock.advance(2.1)
        assert (script.closes, script.active, engine.live) == (1, 0, ())
        for _ in range(2):
            with pytest.raises(DeadlineError, match="longer than the 2 s"):
                await anext(events)


async def test_the_timer_rests_when_nothing_runs(opened: OpenEngine) -> None:
    clock = ManualClock()
    async with opened(scripted("one", Script(HELLO)), clock=clock) as engine:
        await engine.run(chat())
        await clock.advance(19)
        assert clock.pending == 2  # the other one is the pool's, which unloads what is idle
        await clock.advance(2)
        assert clock.pending == 1


# who stops, and when --------------------------------------------------------------------------


@runner("deaf", vendor="tests", kind=RunnerKind.LOCAL)
class DeafRunner(Runner[Parameters]):
    """Takes no notice of being stopped: it goes on with its answer."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield TextDelta("what?")
        yield Finish()


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
async def test_a_runner_that_takes_no_notice_is_stopped_all_the_same(
    opened: OpenEngine, whole: bool
) -> None:
    async def read() -> None:
        async with engine.stream(request) as events:
            try:
                await (events.result() if whole else anext(events))
            finally:
                task = asyncio.current_task()
                assert task is not None
                assert task.cancelling() == 0  # the caller's task is not left half cancelled

    async with opened(DeafRunner) as engine:
        request = ChatRequest.of("Hi", runner="deaf", strict=True)
        reading = asyncio.create_task(read())
        await settle()
        assert engine.cancel(request.id)
        with pytest.raises(CancelledError):
            await reading


async def test_closing_from_elsewhere_stops_who_reads(opened: OpenEngine) -> None:
    gate = Gate()
    script = Script([TextDelta("Hel"), gate])
    async with opened(scripted("one", script)) as engine:
        events = engine.stream(chat())
        assert await anext(events) == TextDelta("Hel")
        reading = asyncio.create_task(anext(events))
        await gate.started.wait()
        await events.aclose()
        assert (script.closes, script.active, engine.live) == (1, 0, ())
        with pytest.raises(CancelledError):
            await reading


async def test_a_read_that_was_asked_for_before_the_stop_does_not_outlive_it(
    opened: OpenEngine,
) -> None:
    script = Script([TextDelta("Hel"), Gate()])
    async with opened(scripted("one", script)) as engine:
        events = engine.stream(chat())
        await anext(events)
        reading = asyncio.create_task(anext(events))
        assert events.cancel()
        with pytest.raises(RunnerError):
            await reading
        assert (script.active, engine.live) == (0, ())


@runner("slowly", vendor="tests", kind=RunnerKind.LOCAL)
class SlowlyRunner(Runner[Parameters]):
    """Takes its time to stop."""

    gate: ClassVar[Gate]

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        try:
            yield TextDelta("Hel")
            yield Finish()
        finally:
            await self.gate()


async def test_who_comes_while_it_is_closed_waits_or_finds_the_end(opened: OpenEngine) -> None:
    gate = SlowlyRunner.gate = Gate()
    async with opened(SlowlyRunner) as engine:
        events = engine.stream(ChatRequest.of("Hi", runner="slowly", strict=True))
        await anext(events)
        first = asyncio.create_task(events.aclose())
        await gate.started.wait()
        assert [event async for event in events] == []
        second = asyncio.create_task(events.aclose())
        await settle()
        assert not second.done()
        gate.release.set()
        await asyncio.gather(first, second)
        assert engine.live == ()


async def test_what_was_closed_unread_stays_closed(opened: OpenEngine) -> None:
    script = Script(HELLO)
    async with opened(scripted("one", script)) as engine:
        events = engine.stream(chat())
        await events.aclose()
        assert [event async for event in events] == []
        assert (script.calls, engine.live, events.cancel()) == ([], (), False)


# what is left ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["to the end", "to the finish", "not to the end", "whole"])
async def test_what_has_ended_is_freed_at_once(opened: OpenEngine, how: str) -> None:
    """A large request must not wait for the collector of circles."""

    async def ended(events: EventStream[Any]) -> weakref.ref[Any]:
        async with events:
            if how == "whole":
                await events.result()
            else:
                async for event in events:
                    if how == "not to the end" or (how == "to the finish" and not event.partial):
                        break
        return weakref.ref(events.route)

    async with opened(scripted("one", Script(HELLO))) as engine:
        gc.disable()
        try:
            assert (await ended(engine.stream(chat())))() is None
        finally:
            gc.enable()


async def was_cancelled(reading: Awaitable[Any]) -> bool:
    """Whether it was; the error, and the frames it knows, are not kept."""
    try:
        await reading
    except CancelledError:
        return True
    return False


@pytest.mark.parametrize("how", ["while it is read", "while nobody reads", "whole"])
async def test_what_was_cancelled_is_freed_at_once(opened: OpenEngine, how: str) -> None:
    async def cancelled(engine: Engine) -> weakref.ref[Any]:
        async with engine.stream(chat()) as events:
            if how != "whole":
                await anext(events)
            if how == "while nobody reads":
                events.cancel()
                await events.closed()
            reading = events.result() if how == "whole" else anext(events)
            task = asyncio.create_task(was_cancelled(reading))
            await settle()
            events.cancel()
            assert await task
        return weakref.ref(events.route)

    async with opened(scripted("one", Script([TextDelta("Hel"), Gate()]))) as engine:
        gc.disable()
        try:
            assert (await cancelled(engine))() is None
        finally:
            gc.enable()


# runners that fail at their clean-up ----------------------------------------------------------


@runner("messy", vendor="tests", kind=RunnerKind.LOCAL)
class MessyRunner(Runner[Parameters]):
    """Answers, and breaks when it is told to stop."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        try:
            yield TextDelta("Hel")
            if request.max_tokens:
                await asyncio.Event().wait()
            yield Finish()
        finally:
            raise ValueError("cannot clean up")


async def test_an_answer_whose_clean_up_fails_has_failed(opened: OpenEngine) -> None:
    async with opened(MessyRunner) as engine:
        with pytest.raises(ProcessingError, match="messy failed: ValueError: cannot clean up"):
            await engine.run(ChatRequest.of("Hi", runner="messy", strict=True))
        assert engine.live == ()
        assert [row.status for row in engine.ledger.rows()][-1] == "error"


async def test_a_stop_stays_a_stop_when_the_clean_up_fails(opened: OpenEngine) -> None:
    async with opened(MessyRunner) as engine:
        request = ChatRequest.of("Hi", runner="messy", strict=True)
        async with engine.stream(request) as events:
            await anext(events)
        assert [row.status for row in engine.ledger.rows()] == ["cancelled"]
        assert engine.live == ()
