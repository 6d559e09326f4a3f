"""One loaded runner per key: loaded once, shared under leases, unloaded when idle.

absent → loading → ready → draining → absent
              ↘ failed (the next request tries again)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from functools import partial
from typing import Self

from breeze.config.model import GlobalSettings
from breeze.contracts.clock import Clock, Timer
from breeze.contracts.errors import RunnerError
from breeze.contracts.service import LoadedModel
from breeze.engine.budget import Budget
from breeze.engine.entry import AnyRunner, Entry, State, Told
from breeze.engine.entry import Key as Key
from breeze.engine.loading import Loading
from breeze.engine.machine_memory import resident
from breeze.engine.room import Room

_READY = State.READY


class Pool:
    """All loaded runners of one engine.

    `retries`: how often a retryable load failure is tried again. `keep_alive`: idle seconds
    before a runner is unloaded; 0 or less keeps it for ever. `budget`: the memory for all of
    them; None is no limit. `pinned`: whether an instance's models stay loaded although nobody
    uses them. `measure`: bytes that this process has.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        retries: int = 3,
        keep_alive: float = 300.0,
        budget: Budget | None = None,
        pinned: Callable[[str], bool] = lambda _: False,
        measure: Callable[[], int] = resident,
    ) -> None:
        self.clock = clock
        self._keep_alive = keep_alive
        self.room = Room(budget, clock, self._retire, pinned)
        self._loading = Loading(self.room, clock, retries, measure)
        self._entries: dict[Key, Entry] = {}
        self._draining: set[Entry] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweep: Timer | None = None

    @classmethod
    def configured(
        cls, settings: GlobalSettings, clock: Clock, pinned: Callable[[str], bool]
    ) -> Self:
        """The pool that a configuration wants."""
        return cls(
            clock,
            retries=settings.max_init_retries,
            keep_alive=settings.keep_alive_s,
            budget=Budget(settings.memory_budget_mb),
            pinned=pinned,
        )

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything loaded or loading, the draining ones included."""
        return (*self._entries.values(), *self._draining)

    def shown(self, instance: str) -> tuple[LoadedModel, ...]:
        """The instance's loaded models, the draining ones included, but not what has died."""
        now, mine = self.clock.now(), (e for e in self.entries if e.key.instance == instance)
        return tuple(entry.shown(now) for entry in mine if not entry.gone)

    def take(self, key: Key) -> Entry | None:
        """Lease the runner of `key` if that takes no waiting; nothing is unloaded until `leave`."""
        entry = self._entries.get(key)
        if entry is None or not entry.free or entry.state is not _READY:
            return None
        entry.free -= 1
        entry.leases += 1
        return entry

    async def admit(
        self,
        key: Key,
        make: Callable[[], AnyRunner],
        told: Told | None = None,
        loads: Callable[[bool], object] = lambda _: None,
    ) -> Entry:
        """Lease the runner of `key`, which `make` makes: wait for a place, and for the load.

        `told` hears of the wait; `loads`, when that for a load begins and ends. Raises
        OverloadedError when the queue is full, MemoryLimitError when there is no room, and what
        loading raises. Then it keeps none.
        """
        entry = self._entries.get(key)
        if entry is None or (entry.state is State.FAILED and not entry.leases):
            entry = self._entries[key] = Entry(key, make(), self.clock)
            entry.runner.lost = partial(self._lost, entry)
        entry.leases += 1
        if told is not None:
            entry.join(told)
        try:
            await entry.enter(told, loads)
        except BaseException:
            entry.part(told)
            self._end_lease(entry)
            raise
        try:
            if entry.state is not State.READY and entry.state is not State.DRAINING:
                await self._loaded(entry, loads)
        except BaseException:
            self.leave(entry)
            raise
        finally:
            entry.part(told)
        return entry

    def leave(self, entry: Entry) -> None:
        """Give a lease back."""
        if entry.queue:
            entry.give_place()
        else:
            entry.free += 1
        self._end_lease(entry)

    def _end_lease(self, entry: Entry) -> None:
        entry.leases -= 1
        if not entry.leases:
            self._became_idle(entry)

    async def _loaded(self, entry: Entry, loads: Callable[[bool], object]) -> None:
        """Wait for the one load of this entry. It goes on until nobody has a lease."""
        if entry.loading is None or entry.loading.done():
            entry.state = State.LOADING
            entry.loading = asyncio.create_task(self._loading.run(entry))
        loads(True)
        try:
            await asyncio.shield(entry.loading)
        except RunnerError as error:  # each who waited adds facts of his own to it
            raise copy(error) from error.__cause__
        finally:
            loads(False)

    def _lost(self, entry: Entry) -> None:
        """What it had loaded is gone; who comes next loads it again."""
        if entry.state is State.READY:
            entry.state, entry.loading = State.LOADING, None
            self.room.free(entry)

    def _forget(self, entry: Entry) -> None:
        if self._entries.get(entry.key) is entry:
            del self._entries[entry.key]

    def retire(self, instance: str, keep: Callable[[Entry], bool] = lambda _: False) -> None:
        """Drain the instance's loaded runners, but those that `keep` wants.

        Present streams go on to their end; later requests get a new runner.
        """
        for entry in [e for e in self._entries.values() if e.key.instance == instance]:
            if not keep(entry):
                self._retire(entry)

    def _retire(self, entry: Entry) -> None:
        """Nobody gets it any more; it is unloaded when the last one has left."""
        self._forget(entry)
        entry.retired = True
        entry.state = State.DRAINING if entry.state is State.READY else entry.state
        self._draining.add(entry)
        if not entry.leases:
            self._start(self._drained(entry))

    def _became_idle(self, entry: Entry) -> None:
        if entry.loading is not None and not entry.loading.done():  # nobody waits for it now
            entry.retired = True
            entry.loading.cancel()
            self._forget(entry)
            self._draining.add(entry)
        if entry in self._draining:
            self._start(self._drained(entry))
            return
        entry.idle_since = self.clock.now()
        self.room.left()
        if self._keep_alive > 0 and self._sweep is None:
            self._sweep = self.clock.call_later(self._keep_alive, self._sweep_idle)

    def _sweep_idle(self) -> None:
        """Unload what has been idle long enough, and look again when the next one will be."""
        self._sweep = None
        now, next_look = self.clock.now(), None
        for entry in [e for e in self._entries.values() if not e.leases]:
            left = entry.idle_since + self._keep_alive - now
            if self.room.pinned(entry.key.instance) and entry.state is _READY:
                continue
            if left <= 0:
                self._retire(entry)
            else:
                next_look = left if next_look is None else min(next_look, left)
        if next_look is not None:
            self._sweep = self.clock.call_later(next_look, self._sweep_idle)

    async def _drained(self, entry: Entry) -> None:
        if entry.leases:
            return
        if entry.loading is not None:
            await asyncio.wait((entry.loading,))
        self._draining.discard(entry)
        if entry.loading is not None and entry.loading.cancelled():
            return  # it has unloaded what it had loaded so far
        try:
            await entry.runner.unload()
        finally:
            self.room.free(entry)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until every unload that was begun has ended."""
        while self._tasks:
            begun = tuple(self._tasks)
            await asyncio.gather(*begun, return_exceptions=True)
            self._tasks.difference_update(begun)

    async def close(self) -> None:
        """Unload everything. Streams must have ended before."""
        if self._sweep is not None:
            self._sweep.cancel()
        for instance in {key.instance for key in self._entries}:
            self.retire(instance)
        await self.settle()
