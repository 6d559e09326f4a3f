"""One loaded runner of the pool: where it stands, who uses it, who waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from enum import StrEnum
from typing import Any, NamedTuple

from breeze.contracts.runner import Runner

AnyRunner = Runner[Any]


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
    """One runner on its way through the states. Only the pool changes it."""

    def __init__(self, key: Key, runner: AnyRunner) -> None:
        self.key = key
        self.runner = runner
        self.reload_key = runner.parameters.reload_key()
        self.state = State.LOADING
        self.leases = 0
        self.idle_since = 0.0
        self.loading: asyncio.Task[None] | None = None
        self.free = runner.info.concurrency
        self.queue: deque[asyncio.Future[None]] = deque()
        runner.lost = self.lost

    def lost(self) -> None:
        """What it had loaded is gone; who comes next loads it again."""
        if self.state is State.READY:
            self.state, self.loading = State.LOADING, None

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self.queue)

    def give_place(self) -> None:
        """To the first who waits, or back."""
        while self.queue:
            turn = self.queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1

    def leave_queue(self, turn: asyncio.Future[None]) -> None:
        """Somebody who waited was cancelled. A place that came in the same moment goes on."""
        if turn.cancelled():
            with suppress(ValueError):  # it was skipped when its turn came
                self.queue.remove(turn)
        else:
            self.give_place()
