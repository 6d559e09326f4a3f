"""One loaded runner per key: loaded once, shared under leases, unloaded when idle.

absent → loading → ready → draining → absent
              ↘ failed (the next request tries again)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy

from breeze.contracts.clock import Clock, Timer
from breeze.contracts.errors import NotLoadedError, OverloadedError, RunnerError
from breeze.engine.entry import AnyRunner, Entry, State
from breeze.engine.entry import Key as Key

_READY = State.READY
_FIRST_RETRY = 0.1
"""Seconds before a failed load is tried again; doubles each time."""


class Pool:
    """All loaded runners of one engine.

    `retries`: how often a retryable load failure is tried again. `keep_alive`: idle seconds
    before a runner is unloaded; 0 or less keeps it for ever.
    """

    def __init__(self, clock: Clock, *, retries: int = 3, keep_alive: float = 300.0) -> None:
        self._clock = clock
        self._retries = retries
        self._keep_alive = keep_alive
        self._entries: dict[Key, Entry] = {}
        self._draining: set[Entry] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweep: Timer | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything loaded or loading, the draining ones included."""
        return (*self._entries.values(), *self._draining)

    def take(self, key: Key) -> Entry | None:
        """Lease the runner of `key` if that takes no waiting; nothing is unloaded until `leave`."""
        entry = self._entries.get(key)
        if entry is None or not entry.free or entry.state is not _READY:
            return None
        entry.free -= 1
        entry.leases += 1
        return entry

    async def admit(self, key: Key, make: Callable[[], AnyRunner]) -> Entry:
        """Lease the runner of `key`, which `make` makes: wait for a place, and for the load.

        Raises OverloadedError when the queue is full, and what loading raises. Then it keeps none.
        """
        entry = self._entries.get(key)
        if entry is None or (entry.state is State.FAILED and not entry.leases):
            entry = self._entries[key] = Entry(key, make())
            entry.runner.clock = self._clock
        entry.leases += 1
        try:
            await self._enter(entry)
        except BaseException:
            self._end_lease(entry)
            raise
        if entry.state is not State.READY and entry.state is not State.DRAINING:
            try:
                await self._loaded(entry)
            except BaseException:
                self.leave(entry)
                raise
        return entry

    def leave(self, entry: Entry) -> None:
        """Give a lease back."""
        if entry.queue:
            entry.give_place()
        else:
            entry.free += 1
        entry.leases -= 1
        if not entry.leases:
            self._became_idle(entry)

    def _end_lease(self, entry: Entry) -> None:
        entry.leases -= 1
        if not entry.leases:
            self._became_idle(entry)

    async def _enter(self, entry: Entry) -> None:
        """Take a free place, or wait for one in turn."""
        if entry.free:
            entry.free -= 1
            return
        if entry.waiting >= entry.runner.info.queue:
            raise OverloadedError(
                f"{entry.key.instance} is busy: {entry.runner.info.concurrency} at work and "
                f"{entry.waiting} waiting. Try again soon.",
                runner=entry.key.instance,
                retry_after=1.0,
            )
        turn = asyncio.get_running_loop().create_future()
        entry.queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            entry.leave_queue(turn)
            raise

    async def _loaded(self, entry: Entry) -> None:
        """Wait for the one load of this entry. It goes on until nobody has a lease."""
        if entry.loading is None or entry.loading.done():
            entry.state = State.LOADING
            entry.loading = asyncio.create_task(self._load(entry))
        try:
            await asyncio.shield(entry.loading)
        except RunnerError as error:  # each who waited adds facts of his own to it
            raise copy(error) from error.__cause__

    async def _load(self, entry: Entry) -> None:
        delay = _FIRST_RETRY
        for tries_left in range(self._retries, -1, -1):
            try:
                await entry.runner.load(entry.key.model)
                entry.state = State.READY
                return
            except asyncio.CancelledError:
                await entry.runner.unload()
                raise
            except Exception as error:  # a runner may raise anything; callers get our tree
                entry.state = State.FAILED
                if not tries_left or not getattr(error, "retryable", False):
                    failure = _load_failure(entry, error)
                    raise failure from error.__cause__ if failure is error else error
            await self._clock.sleep(delay)
            delay *= 2

    def _forget(self, entry: Entry) -> None:
        if self._entries.get(entry.key) is entry:
            del self._entries[entry.key]

    def retire(self, instance: str, keep: Callable[[Entry], bool] = lambda _: False) -> None:
        """Drain the instance's loaded runners, but those that `keep` wants.

        Present streams go on to their end; later requests get a new runner.
        """
        for entry in [e for e in self._entries.values() if e.key.instance == instance]:
            if not keep(entry):
                self._forget(entry)
                if entry.state is not State.FAILED:
                    entry.state = State.DRAINING if entry.state is State.READY else entry.state
                self._draining.add(entry)
                if not entry.leases:
                    self._start(self._drained(entry))

    def _became_idle(self, entry: Entry) -> None:
        if entry.loading is not None and not entry.loading.done():  # nobody waits for it now
            entry.loading.cancel()
            self._start(entry.loading)  # it unloads what it has loaded so far
            self._forget(entry)
        if entry in self._draining:
            self._start(self._drained(entry))
            return
        entry.idle_since = self._clock.now()
        if self._keep_alive > 0 and self._sweep is None:
            self._sweep = self._clock.call_later(self._keep_alive, self._sweep_idle)

    def _sweep_idle(self) -> None:
        """Unload what has been idle long enough, and look again when the next one will be."""
        self._sweep = None
        now, next_look = self._clock.now(), None
        for entry in [e for e in self._entries.values() if not e.leases]:
            left = entry.idle_since + self._keep_alive - now
            if left <= 0:
                self.retire(entry.key.instance, keep=lambda other, idle=entry: other is not idle)  # type: ignore[misc]
            else:
                next_look = left if next_look is None else min(next_look, left)
        if next_look is not None:
            self._sweep = self._clock.call_later(next_look, self._sweep_idle)

    async def _drained(self, entry: Entry) -> None:
        if entry.leases:
            return
        self._draining.discard(entry)
        await entry.runner.unload()

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


def _load_failure(entry: Entry, error: Exception) -> RunnerError:
    if isinstance(error, RunnerError):
        error.runner = error.runner or entry.key.instance
        return error
    model = f" {entry.key.model!r}" if entry.key.model else ""
    return NotLoadedError(
        f"{entry.key.instance} could not load{model}: {type(error).__name__}: {error}",
        runner=entry.key.instance,
        model=entry.key.model,
        retryable=False,
    )
