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
    """The machine's monotonic clock and the running loop's timers."""

    now = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        return asyncio.get_running_loop().call_later(delay, callback)
