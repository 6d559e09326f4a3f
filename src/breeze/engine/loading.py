"""The load of one runner: room for it, further tries, and what it really takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from breeze.contracts.capability import RunnerKind
from breeze.contracts.clock import Clock
from breeze.contracts.errors import MemoryLimitError, NotLoadedError, RunnerError
from breeze.contracts.events import Progress
from breeze.contracts.machine_memory import resident
from breeze.contracts.runner import Runner
from breeze.engine.entry import Entry, State
from breeze.engine.room import Room

_FIRST_RETRY = 0.1
"""Seconds before a failed load is tried again; doubles each time."""
_HERE = (RunnerKind.LOCAL, RunnerKind.HARDWARE)
"""Kinds of runners whose models are in this machine's memory."""
_NOISE = 1_000_000
"""Bytes by which memory may grow for other reasons."""


class Loading:
    """Loads the runners of one pool. `retries`: further tries after a retryable failure.

    `measure` tells the bytes that this process has. Loads in this process take turns where a
    model's size counts, so that none is measured with another's growth.
    """

    def __init__(
        self, room: Room, clock: Clock, retries: int, measure: Callable[[], int] = resident
    ) -> None:
        self._room = room
        self._clock = clock
        self._retries = retries
        self._measure = measure
        self._known: dict[object, tuple[int, bool]] = {}
        self._turn = asyncio.Lock()

    async def run(self, entry: Entry) -> None:
        """Load it. A cancellation unloads what there is of it.

        Raises MemoryLimitError when there is no room, and what the runner raises, as RunnerError.
        """
        delay = _FIRST_RETRY
        for tries_left in range(self._retries, -1, -1):
            try:
                entry.state = State.LOADING
                await self._try(entry)
                entry.state = State.DRAINING if entry.retired else State.READY
                self._room.refit()
                return
            except asyncio.CancelledError:
                try:
                    await entry.runner.unload()
                finally:
                    self._room.free(entry)
                raise
            except Exception as error:  # a runner may raise anything; callers get our tree
                self._room.free(entry)
                entry.state = State.FAILED
                again = getattr(error, "retryable", False)
                if not (tries_left and again) or isinstance(error, MemoryLimitError):
                    failure = _failure(entry, error)
                    raise failure from error.__cause__ if failure is error else error
            await self._clock.sleep(delay)
            delay *= 2

    async def _try(self, entry: Entry) -> None:
        """Load it once, with room for it, and note what it took."""
        if entry.runner.info.kind not in _HERE:
            await entry.runner.load(entry.key.model)
            return
        need = await self._estimate(entry)
        if entry.isolated:
            await self._room.take(entry, need)
            await self._load(entry, need)
            self._note(entry, need, entry.resident())
            return
        async with self._alone(need) as alone:
            if need:
                await self._room.take(entry, need)
            before = self._measure()
            await self._load(entry, need)
            self._note(entry, need, self._measure() - before if alone and before else 0)

    async def _load(self, entry: Entry, need: int) -> None:
        entry.begun = self._clock.now()
        if need:
            entry.tell(Progress("load"))
        await entry.runner.load(entry.key.model)

    @asynccontextmanager
    async def _alone(self, need: int) -> AsyncIterator[bool]:
        """Whether nothing else is loaded here in the block, for which what has a size waits."""
        if self._turn.locked() and not need:
            yield False
            return
        async with self._turn:
            yield True

    async def _estimate(self, entry: Entry) -> int:
        """Bytes to expect: what it took before, else what its files tell."""
        runner, model = entry.runner, entry.key.model
        if known := self._known.get(_what(entry)):
            return known[0]
        if type(runner).memory is Runner.memory:
            return runner.memory(model)
        return await asyncio.to_thread(runner.memory, model)

    def _note(self, entry: Entry, expected: int, found: int) -> None:
        """It takes what was found, or what was expected if that is more: pages come with use."""
        found = found if found > _NOISE else 0
        if size := max(expected, found):
            known = self._known.get(_what(entry), (0, False))
            measured = found >= expected or known[1]
            self._known[_what(entry)] = size, measured
            self._room.put(entry, size, measured=measured)


def _what(entry: Entry) -> object:
    """What takes the same memory each time it is loaded."""
    return entry.key, repr(entry.reload_key)


def _failure(entry: Entry, error: Exception) -> RunnerError:
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
