"""Many streams at once: nothing lost, nothing out of order, memory flat, nobody held up."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import ClassVar

from breeze.contracts.capability import RunnerKind
from breeze.contracts.events import ChatEvent, Finish, TextDelta
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner, runner
from breeze.contracts.threads import BUFFER, Outlet, from_thread
from breeze.engine.engine import Engine
from tests.engine.conftest import OpenEngine

STREAMS, EVENTS = 500, 200


def resident() -> int:
    """Bytes of memory in use by this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


WORDS = " ".join(f"{n}" for n in range(EVENTS))


async def read(engine: Engine) -> None:
    request = ChatRequest.of("count", runner="mock_llm", strict=True, deadline=300)
    seen = []
    async with engine.stream(request) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                seen.append(event.text)
                await asyncio.sleep(0)  # let the others in
    assert len(seen) == EVENTS
    assert "".join(seen) == WORDS


async def test_five_hundred_mock_streams_of_two_hundred_events(opened: OpenEngine) -> None:
    async with opened(overrides={"mock_llm": {"predefined_responses": WORDS}}) as engine:
        sizes = []
        for _ in range(3):
            await asyncio.gather(*(read(engine) for _ in range(STREAMS)))
            gc.collect()
            sizes.append(resident())
        assert sizes[-1] - sizes[0] < 8 * 1024 * 1024
        assert engine.live == ()


class Counting(Parameters):
    """Nothing to set."""


@runner("counting", vendor="tests", kind=RunnerKind.LOCAL, concurrency=2)
class CountingRunner(Runner[Counting]):
    """Sends numbers from a thread for as long as anybody reads."""

    made: ClassVar[list[CountingRunner]] = []

    async def load(self, model: str) -> None:
        self.made.append(self)

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        def produce(outlet: Outlet[ChatEvent]) -> None:
            with self.work.stream() as work:
                for number in range(request.max_tokens or 0):
                    if not outlet.send(TextDelta(f"{number} ")):
                        return
                    work.steps += 1

        async for event in from_thread(produce):
            yield event
        yield Finish()


async def test_a_slow_reader_slows_its_own_producer_only(opened: OpenEngine) -> None:
    async with opened(CountingRunner) as engine:
        slow = ChatRequest.of("slow", runner="counting", max_tokens=100_000)
        quick = ChatRequest.of("quick", runner="counting", max_tokens=5_000)
        async with engine.stream(slow) as events:
            await anext(events)
            answer = await engine.run(quick)  # the slow one is held up meanwhile, not this one
            assert answer.text.split()[-1] == "4999"
            produced = CountingRunner.made[-1].work.steps - 5_000
            assert produced <= BUFFER + 2
