"""Whatever callers do and in whatever order: memory never overflows, and no stream loses its model.

Loads and unloads take their time here, so that everything may happen in the middle of them.
"""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breeze.contracts.errors import MemoryLimitError, OverloadedError, UnavailableError
from breeze.engine.entry import Entry
from breeze.testing.clock import settle
from tests.engine.sized import MB, Memory

BUDGET = 100
SIZES = {"small": 30, "half": 50, "most": 80, "all": 100, "huge": 120, "pinned": 20}
NAMES = tuple(SIZES)
Step = tuple[Literal["come", "leave", "cancel", "wait", "retire", "fail"], int]


class Scene:
    """Callers over models that do not fit together."""

    def __init__(self, *, isolated: bool) -> None:
        self.memory = Memory(BUDGET, SIZES, isolated=isolated)
        self.memory.pins.add("pinned")
        self.memory.loading, self.memory.unloading = self._load, self._unload
        self.failing = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.leaving: list[asyncio.Event] = []
        self.refused = self.served = 0

    async def _load(self) -> None:
        assert self.memory.taken <= BUDGET * MB, self.memory.names
        await self.memory.clock.sleep(2)
        if self.failing:
            self.failing -= 1
            raise UnavailableError("not this time")

    async def _unload(self) -> None:
        await self.memory.clock.sleep(1)

    async def hold(self, name: str, leave: asyncio.Event) -> None:
        try:
            entry = await self.memory.use(name)
        except MemoryLimitError as error:
            self.refused += 1
            self._check_refusal(name, error)
            return
        self.served += 1
        try:
            self._check_lease(entry)
            await leave.wait()
            self._check_lease(entry)
        finally:
            self.memory.leave(entry)

    def _check_lease(self, entry: Entry) -> None:
        assert entry.runner in self.memory.loaded, "unloaded while it was in use"
        assert not entry.retired or entry in self.memory.pool.entries

    def _check_refusal(self, name: str, error: MemoryLimitError) -> None:
        """The figures say that it could not be, and which of them would have to leave."""
        told = error.data
        stays = [m for m in told["loaded"] if m["leases"] or m["pinned"] or m["state"] != "ready"]
        assert told["needed"] == SIZES[name] * MB
        assert told["needed"] + sum(m["size"] for m in stays) > told["budget"], told
        assert error.retryable is (SIZES[name] <= BUDGET)

    async def do(self, step: str, number: int) -> None:
        name = NAMES[number % len(NAMES)]
        if step == "come":
            self.leaving.append(asyncio.Event())
            self.tasks.append(asyncio.create_task(self.hold(name, self.leaving[-1])))
        elif step == "leave" and self.leaving:
            self.leaving[number % len(self.leaving)].set()
        elif step == "cancel" and self.tasks:
            self.tasks[number % len(self.tasks)].cancel()
        elif step == "wait":
            for _ in range(number):
                await self.memory.clock.advance(1)
        elif step == "retire":
            self.memory.pool.retire(name)
        elif step == "fail":
            self.failing = 1
        await settle()
        assert self.memory.taken <= BUDGET * MB
        assert self.memory.pool.room.taken <= BUDGET * MB
        assert not self.memory.taken_away

    async def end(self) -> None:
        for leave in self.leaving:
            leave.set()
        over = asyncio.gather(*self.tasks, return_exceptions=True)
        while not over.done():
            await self.memory.clock.advance(1)
        for outcome in over.result():
            refused = (asyncio.CancelledError, OverloadedError, UnavailableError)
            assert outcome is None or isinstance(outcome, refused), repr(outcome)

    async def close(self) -> None:
        closing = asyncio.ensure_future(self.memory.pool.close())
        while not closing.done():
            await self.memory.clock.advance(1)
        assert self.memory.pool.entries == ()
        assert (self.memory.loaded, self.memory.pool.room.taken) == ({}, 0)
        assert self.memory.clock.pending == 0


STEPS = st.tuples(
    st.sampled_from(["come", "come", "come", "leave", "leave", "cancel", "wait", "retire", "fail"]),
    st.integers(0, 12),
)


@pytest.mark.parametrize("isolated", [False, True])
@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, max_size=40))
def test_memory_never_overflows_and_no_stream_loses_its_model(
    steps: list[Step], *, isolated: bool
) -> None:
    async def schedule() -> None:
        scene = Scene(isolated=isolated)
        for step, number in steps:
            await scene.do(step, number)
        await scene.end()
        pinned = {e.key.instance for e in scene.memory.pool.entries if e.state == "ready"}
        assert all(entry.leases == 0 for entry in scene.memory.pool.entries)
        for _ in range(5):
            await scene.memory.clock.advance(700)
        left = {e.key.instance for e in scene.memory.pool.entries if e.state == "ready"}
        assert left == pinned & {"pinned"}
        await scene.close()

    asyncio.run(schedule())
