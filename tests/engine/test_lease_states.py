"""A model that somebody uses is never chosen to make room, nor is a pinned one, whatever happens.

Loads and unloads take their time, and everything may happen in the middle of them. What must hold
is looked at after every turn of the loop, not only when all is quiet again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from breeze.contracts.errors import MemoryLimitError, OverloadedError, UnavailableError
from breeze.engine.entry import Entry, State
from tests.engine.sized import MB, Memory

BUDGET = 100
SIZES = {"third": 35, "half": 50, "most": 80}
TURNS = 20
"""Of the loop, in which whatever has begun comes to where it waits for the clock."""
names = st.sampled_from(sorted(SIZES))
some = st.integers(0, 5)
REFUSED = (asyncio.CancelledError, MemoryLimitError, OverloadedError, UnavailableError)


class Leases(RuleBasedStateMachine):
    """Callers of models that do not fit together, and what else befalls those models."""

    @initialize(isolated=st.booleans(), pinned=st.sets(names, max_size=2))
    def begin(self, isolated: bool, pinned: set[str]) -> None:
        self.memory = Memory(BUDGET, SIZES, isolated=isolated)
        self.memory.pins |= pinned
        self.memory.loading, self.memory.unloading = self._load, self._unload
        self.runner = asyncio.Runner()
        self.callers: list[asyncio.Task[None]] = []
        self.held: dict[Entry, int] = {}
        self.outdated: set[Entry] = set()
        self.crashed: set[Entry] = set()
        self.ready: set[Entry] = set()
        self.failing = 0

    async def _load(self) -> None:
        await self.memory.clock.sleep(2)
        if self.failing:
            self.failing -= 1
            raise UnavailableError("not this time")

    async def _unload(self) -> None:
        await self.memory.clock.sleep(1)

    async def _call(self, name: str) -> None:
        entry = await self.memory.use(name)
        self.held[entry] = self.held.get(entry, 0) + 1
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.held[entry] -= 1
            self.memory.leave(entry)

    # what may happen --------------------------------------------------------------------

    @rule(name=names)
    def come(self, name: str) -> None:
        self.run(self._come(name))

    @rule(name=names)
    def come_and_be_served(self, name: str) -> None:
        self.come(name)
        self.wait(3)

    async def _come(self, name: str) -> None:
        self.callers.append(asyncio.create_task(self._call(name)))

    @rule(number=some)
    def leave(self, number: int) -> None:
        """In a stream, in a load, or while there is no room yet."""
        if self.callers:
            self.callers.pop(number % len(self.callers)).cancel()
        self.run()

    @rule(seconds=st.sampled_from([1, 1, 1, 2, 11]))
    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.run(self.memory.clock.advance(1))

    @rule(name=names)
    def pin_or_unpin(self, name: str) -> None:
        self.memory.pins ^= {name}

    @rule(name=names)
    def change_settings(self, name: str) -> None:
        self.outdated |= {e for e in self.memory.pool.entries if e.key.instance == name}
        self.run(self._retire(name))

    async def _retire(self, name: str) -> None:
        self.memory.pool.retire(name)

    @rule(name=names)
    def crash(self, name: str) -> None:
        for entry in self.memory.pool.entries:
            if entry.key.instance == name and entry.state is State.READY:
                self.crashed.add(entry)
                del self.memory.loaded[entry.runner]
                entry.runner.lost()
        self.run()

    @rule()
    def fail_the_next_load(self) -> None:
        self.failing = 1

    # what must hold ---------------------------------------------------------------------

    def run(self, work: Awaitable[Any] | None = None) -> None:
        async def turns() -> None:
            doing = asyncio.ensure_future(work) if work is not None else None
            for _ in range(TURNS):
                await asyncio.sleep(0)
                self.check()
            if doing is not None:
                await doing

        self.runner.run(turns())

    def check(self) -> None:
        pool, loaded = self.memory.pool, self.memory.loaded
        assert not self.memory.taken_away
        for entry, count in self.held.items():
            if count and entry not in self.crashed:
                assert entry.runner in loaded, f"{entry.name} is gone, and somebody uses it"
                assert not entry.retired or entry in self.outdated, f"{entry.name} was chosen to go"
        for entry in self.ready:
            pinned = entry.key.instance in self.memory.pins and entry not in self.crashed
            assert not (pinned and entry.retired) or entry in self.outdated, f"{entry.name} pinned"
        self.ready = {e for e in pool.entries if e.state is State.READY}
        assert self.memory.taken <= pool.room.taken <= BUDGET * MB

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        for caller in self.callers:
            caller.cancel()
        self.memory.pins.clear()
        try:
            self.run(self._end())
        finally:
            self.runner.close()

    async def _end(self) -> None:
        over = asyncio.gather(*self.callers, return_exceptions=True)
        closing = asyncio.ensure_future(self.memory.pool.close())
        while not (over.done() and closing.done()):
            await self.memory.clock.advance(1)
        assert all(found is None or isinstance(found, REFUSED) for found in over.result())
        assert self.memory.pool.entries == ()
        assert (self.memory.loaded, self.memory.pool.room.taken) == ({}, 0)
        assert self.memory.clock.pending == 0


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
