"""Time as something to hand over, so that a test can move it by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A callback that is due later."""

    def cancel(self) -> None:
        """It will not be called. Harmless when it was called before."""


class Clock(Protocol):
    """What tells the time and wakes sleepers."""

    def now(self) -> float:
        """Seconds that only grow; the zero point means nothing."""

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed; at once for 0 and less."""

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` on the running loop when `delay` seconds have passed."""


class SystemClock:
    """The machine's monotonic clock and the running loop's timers.

    Timers of a second and more may be late by up to 50 ms: they share one timer of the loop, as
    nearly all of them are cancelled again, and one of the loop's own each would cost more.
    """

    now = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self._moments: dict[int, set[_Shared]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next: asyncio.TimerHandle | None = None

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        if delay < _SHARED_FROM:
            return asyncio.get_running_loop().call_later(delay, callback)
        moment = int((time.monotonic() + delay) / _TICK) + 1
        timers = self._moments.get(moment)
        if timers is None or self._loop is None or self._loop.is_closed():
            timers = self._begin(moment, asyncio.get_running_loop())  # asking for it costs most
        timer = _Shared(callback, timers)
        timers.add(timer)
        return timer

    def _begin(self, moment: int, loop: asyncio.AbstractEventLoop) -> set[_Shared]:
        if loop is not self._loop:  # the one before is gone, and its timers with it
            self._loop, self._next = loop, None
            self._moments.clear()
        timers = self._moments[moment] = set()
        if self._next is None or moment <= min(self._moments):
            self._plan(moment)
        return timers

    def _plan(self, moment: int) -> None:
        assert self._loop is not None
        if self._next is not None:
            self._next.cancel()
        delay = max(0.0, moment * _TICK - time.monotonic())
        self._next = self._loop.call_later(delay, self._due)

    def _due(self) -> None:
        """Call what is due, and plan for what comes next."""
        assert self._loop is not None
        self._next = None
        present = int(time.monotonic() / _TICK)
        for moment in [moment for moment in self._moments if moment <= present]:
            for timer in self._moments.pop(moment):
                self._loop.call_soon(timer.run)  # one that fails must not stop the others
        self._moments = {moment: timers for moment, timers in self._moments.items() if timers}
        if self._moments:
            self._plan(min(self._moments))


_TICK = 0.05
_SHARED_FROM = 1.0


class _Shared:
    """One of the timers of a moment."""

    __slots__ = ("_callback", "_timers")

    def __init__(self, callback: Callable[[], object], timers: set[_Shared]) -> None:
        self._callback: Callable[[], object] | None = callback
        self._timers = timers

    def run(self) -> None:
        if self._callback is not None:
            self._callback()

    def cancel(self) -> None:
        self._callback = None
        self._timers.discard(self)
