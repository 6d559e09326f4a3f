"""A reader that leaves ends the work at once, in every phase; and every try is in the account."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from breeze.contracts.errors import RateLimitError, RunnerError, UnavailableError
from breeze.contracts.events import Finish, TextDelta, Usage
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Gate, Script, Steps, scripted
from tests.engine.conftest import OpenEngine
from tests.engine.lines import FINE, Line, Lined

WITHIN = 0.1
"""Seconds from the leaving until nothing is at work."""
PHASES = ["queued", "loading", "waiting", "streaming", "retry sleep", "waiting for a probe"]
HOW = ["the task is cancelled", "the request is cancelled", "the stream is closed"]


class Phase:
    """An engine whose next request stays in one phase. `begun` returns when it is there."""

    def __init__(self, name: str) -> None:
        self.gate = Gate()
        self.asked = asyncio.Event()
        self.name = name
        wait: dict[str, list[Steps]] = {
            "waiting": [[self.gate]],
            "streaming": [[TextDelta("x"), self.gate]],
            "retry sleep": [[self.ask, RateLimitError("slow", retry_after=5)], FINE],
            "waiting for a probe": [[UnavailableError("off")], [self.gate]],
        }
        loads = [self.gate] if name == "loading" else []
        self.script = Script(*wait.get(name, [[self.gate]]), on_load=loads)
        self.runner = scripted("one", self.script, concurrency=1 if name == "queued" else 8)
        self.clock = ManualClock()
        self.ahead: asyncio.Task[Any] | None = None

    async def ask(self) -> None:
        self.asked.set()

    async def before(self, engine: Engine) -> None:
        """What must have happened before the request."""
        if self.name == "waiting for a probe":
            with pytest.raises(UnavailableError):
                await engine.run(_chat())
        if self.name in ("queued", "waiting for a probe"):
            self.ahead = asyncio.create_task(engine.run(_chat()))
            await self.gate.started.wait()

    async def begun(self) -> None:
        if self.name in ("loading", "waiting", "streaming"):
            await self.gate.started.wait()
        if self.name == "retry sleep":
            await self.asked.wait()
        await settle()

    async def left(self) -> None:
        if self.ahead is not None:
            self.ahead.cancel()
            await asyncio.gather(self.ahead, return_exceptions=True)


def _chat() -> ChatRequest:
    return ChatRequest.of("Hi", runner="one", strict=True, deadline=1000)


CONFIG = '{"version": "2.0", "globalSettings": {"circuit": {"failures": 1}, "failover": %s}}'


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", PHASES)
async def test_leaving(opened: OpenEngine, tmp_path: Any, name: str, how: str, whole: bool) -> None:
    phase, file = Phase(name), tmp_path / "config.json"
    tries = 3 if name == "retry sleep" else 1
    file.write_text(CONFIG % f'{{"attempts": {tries}}}')
    async with opened(phase.runner, config=file, clock=phase.clock) as engine:
        await phase.before(engine)
        calls, running = len(phase.script.calls), phase.script.active
        stream = engine.stream(_chat())
        reading = asyncio.ensure_future(_read(stream, whole=whole))
        await phase.begun()
        begun = time.perf_counter()
        if how == "the task is cancelled":
            reading.cancel()
        elif how == "the request is cancelled":
            assert engine.cancel(stream.request_id)
        else:
            await stream.aclose()
        await asyncio.gather(reading, return_exceptions=True)
        assert time.perf_counter() - begun < WITHIN
        assert stream.request_id not in engine.live
        assert phase.script.active == running  # of others alone
        assert not any(status.waiting for status in engine.runners())
        await phase.clock.advance(10)
        asked = len(phase.script.calls) - calls
        assert asked == {"queued": 0, "loading": 0, "waiting for a probe": 0}.get(name, 1)
        await phase.left()
        assert engine.live == ()


async def _read(stream: Any, *, whole: bool) -> None:
    async with stream:
        if whole:
            await stream.result()
        else:
            async for _ in stream:
                pass


# the account ----------------------------------------------------------------------------------


def rows(line: Line) -> list[tuple[Any, ...]]:
    return [
        (row.runner, row.status, row.code, row.prompt_tokens) for row in line.engine.ledger.rows()
    ]


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
async def test_every_try_is_in_the_account_with_what_it_used(lined: Lined, whole: bool) -> None:
    failing: Steps = [Usage(11, 3), UnavailableError("broke")]
    silent: Steps = [Usage(5), Gate()]
    good: Steps = [TextDelta("x"), Usage(7), Finish()]
    limits = {"attempts": 1, "deadlineMs": 60_000}
    async with lined(limits, a=[failing], b=[silent], c=[good]) as line:
        if whole:
            attempts = (await line.whole()).attempts
        else:
            async with line.stream() as events:
                *_, end = await line.passing(_all(events))
            attempts = end.result.attempts
        told = rows(line)
    assert told == [
        ("a", "error", "E501", 11),
        ("b", "error", "E501", 5),
        ("c", "finished", "", 7),
    ]
    assert [(attempt.runner, attempt.usage) for attempt in attempts] == [
        ("a", Usage(11, 3)),
        ("b", Usage(5)),
    ]


async def _all(events: Any) -> list[Any]:
    return [event async for event in events]


async def test_a_try_that_was_stopped_is_in_it_too(lined: Lined) -> None:
    async with lined(a=[[Usage(4), TextDelta("x"), Gate()]]) as line:
        async with line.stream() as events:
            await anext(events)
        with pytest.raises(RunnerError):
            await line.outcome(deadline=3)
        told = rows(line)
    assert told == [("a", "cancelled", "E302", 4), ("a", "error", "E301", 4)]
