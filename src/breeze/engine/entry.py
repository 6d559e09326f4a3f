"""One loaded runner of the pool: where it stands, who uses it, who waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec.structs import replace

from breeze.contracts.clock import Clock
from breeze.contracts.errors import OverloadedError
from breeze.contracts.events import Progress
from breeze.contracts.runner import Runner
from breeze.contracts.service import LoadedModel

AnyRunner = Runner[Any]
Told = Callable[[Progress], object]
"""Who waits for a place or a load hears by this how it goes."""


class State(StrEnum):
    """Where a loaded runner stands."""

    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"


class Key(NamedTuple):
    """What makes one loaded runner: the instance and, where it serves only one, the model."""

    instance: str
    model: str


class Entry:
    """One runner on its way through the states. Only the pool changes it.

    `retired`: nobody gets it any more, and it is unloaded when the last lease ends. `size`: bytes
    of memory that it takes or is about to take; `measured`: not merely estimated.
    """

    def __init__(self, key: Key, runner: AnyRunner, clock: Clock) -> None:
        self.key = key
        self.runner = runner
        runner.clock, runner.progress = clock, self.tell
        self.reload_key = runner.parameters.reload_key()
        self.state = State.LOADING
        self.retired = False
        self.leases = 0
        self.size = 0
        self.measured = False
        self.idle_since = 0.0
        self.begun = clock.now()
        self._listeners: list[Told] = []
        self._news: Progress | None = None
        self.loading: asyncio.Task[None] | None = None
        self.free = runner.info.concurrency
        self.queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self.queue)

    def _full(self) -> OverloadedError:
        """What to tell somebody for whom there is no place to wait."""
        return OverloadedError(
            f"{self.key.instance} is busy: {self.runner.info.concurrency} at work and "
            f"{self.waiting} waiting. Try again soon.",
            runner=self.key.instance,
            retry_after=1.0,
        )

    @property
    def gone(self) -> bool:
        """What it had loaded is lost, and nobody has asked for it again."""
        return self.state is State.LOADING and self.loading is None and not self.leases

    @property
    def isolated(self) -> bool:
        """Whether its memory is that of another process."""
        return hasattr(self.runner, "resident")

    def remeasure(self) -> None:
        """Note that its process has grown, or is gone; here, nobody can tell whose growth it is."""
        if self.loading is None:
            self.size, self.measured = 0, False
        elif self.state is State.READY and (found := self.resident()) > self.size:
            self.size, self.measured = found, True

    def resident(self) -> int:
        """Bytes of its own process; 0 where it has none."""
        asked = getattr(self.runner, "resident", None)
        return int(asked()) if asked is not None else 0

    @property
    def name(self) -> str:
        """For a person."""
        return f"{self.key.instance}/{self.key.model}" if self.key.model else self.key.instance

    def shown(self, now: float) -> LoadedModel:
        """What a person is told of it."""
        idle = None if self.leases or self.state is not State.READY else now - self.idle_since
        return LoadedModel(
            model=self.key.model,
            state=self.state.value,
            size=self.size,
            measured=self.measured,
            leases=self.leases,
            waiting=self.waiting,
            idle=idle,
        )

    def tell(self, progress: Progress) -> None:
        """Everybody who waits for the load hears of it, with the seconds it may still take."""
        if progress.eta is None and 0 < progress.done <= progress.total:
            spent = self.runner.clock.now() - self.begun
            eta = spent * (progress.total - progress.done) / progress.done
            progress = replace(progress, eta=eta)
        self._news = progress
        for told in self._listeners:
            told(progress)

    def join(self, told: Told) -> None:
        """`told` hears what is told from now on, and how far a load has come."""
        self._listeners.append(told)
        if self.state is State.LOADING and self._news is not None:
            told(self._news)

    def part(self, told: Told | None) -> None:
        """`told` hears no more."""
        if told is not None:
            self._listeners.remove(told)

    async def enter(self, told: Told | None, loads: Callable[[bool], object]) -> None:
        """Take a free place, or wait for one in turn. Raises OverloadedError."""
        if self.free:
            self.free -= 1
            return
        if self.waiting >= self.runner.info.queue:
            raise self._full()
        if told is not None:
            told(Progress("queued"))
        await self._turn(loads)

    def give_place(self) -> None:
        """To the first who waits, or back."""
        while self.queue:
            turn = self.queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1

    async def _turn(self, loads: Callable[[bool], object]) -> None:
        """Wait for a place; `loads` is told when a load that goes on meanwhile begins and ends."""
        mine = asyncio.get_running_loop().create_future()
        self.queue.append(mine)
        try:
            if self.loading is not None and not self.loading.done():
                loads(True)
                try:
                    await asyncio.wait((mine, self.loading), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    loads(False)
            await mine
        except asyncio.CancelledError:
            self.leave_queue(mine)
            raise

    def leave_queue(self, turn: asyncio.Future[None]) -> None:
        """Somebody who waited was cancelled. A place that came in the same moment goes on."""
        if turn.cancelled():
            with suppress(ValueError):  # it was skipped when its turn came
                self.queue.remove(turn)
        else:
            self.give_place()
