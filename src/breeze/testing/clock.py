"""A clock that moves only when a test moves it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

_TURNS = 25
"""Turns of the loop after which everybody who was woken is taken to be waiting again."""


class ManualTimer:
    """A callback due at `when`, in seconds of its clock."""

    def __init__(self, when: float, callback: Callable[[], object]) -> None:
        self.when = when
        self._callback: Callable[[], object] | None = callback

    @property
    def live(self) -> bool:
        """True until it was called or cancelled."""
        return self._callback is not None

    def cancel(self) -> None:
        self._callback = None

    def fire(self) -> None:
        """Call it, unless it was called or cancelled."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class ManualClock:
    """A `breeze.contracts.clock.Clock` for tests: nothing happens until `advance`."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._order = count()
        self._timers: list[tuple[float, int, ManualTimer]] = []
        self._added = asyncio.Event()

    @property
    def pending(self) -> int:
        """How many sleepers and callbacks wait for their time."""
        return sum(timer.live for _, _, timer in self._timers)

    @property
    def due(self) -> float | None:
        """When the next of them is woken; None when nobody waits."""
        return min((when for when, _, timer in self._timers if timer.live), default=None)

    def now(self) -> float:
        return self._now

    def call_later(self, delay: float, callback: Callable[[], object]) -> ManualTimer:
        timer = ManualTimer(self._now + max(0.0, delay), callback)
        heapq.heappush(self._timers, (timer.when, next(self._order), timer))
        self._added.set()
        return timer

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        timer = self.call_later(seconds, woken.set)
        try:
            await woken.wait()
        finally:
            timer.cancel()

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`, waking who is due in order; each may react before the next.

        Returns when all who were woken had their turn.
        """
        await settle()
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heapq.heappop(self._timers)
            if timer.live:
                self._now = max(self._now, when)
                timer.fire()
                await settle()
        self._now = end

    async def until_pending(self, number: int = 1) -> None:
        """Return when at least `number` sleepers and callbacks wait."""
        while self.pending < number:
            self._added.clear()
            await self._added.wait()


async def settle() -> None:
    """Let every task that can run do so until it waits again."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
