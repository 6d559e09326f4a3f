"""Whether a process does anything at all: if not, nothing comes of what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from breeze.contracts.clock import Clock, Timer

LOOK = 10.0
"""Seconds between two looks at a process."""
PATIENCE = 60.0
"""Seconds in which a process has to do something."""
STOP = 2.0
"""Seconds in which a cancelled stream must have stopped; else its process is."""
LONGEST = 30.0
"""The same, while the process works and others wait for what it makes."""


def pulse(pid: int) -> tuple[str, ...]:
    """What changes whenever a process works or reads; nothing where the system does not tell."""
    folder = Path(f"/proc/{pid}")
    try:
        spent = (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
        read = (folder / "io").read_text(encoding="ascii").partition("\n")[0]
    except OSError:
        return ()
    return (*spent.split()[11:13], read)  # processor time, its own and the system's for it


@contextmanager
def watched(pid: int, clock: Clock, idle: Callable[[], object]) -> Iterator[None]:
    """Call `idle` when the process has done nothing for `PATIENCE` seconds of the block."""
    last, since = pulse(pid), clock.now()
    timer: Timer

    def look() -> None:
        nonlocal last, since, timer
        now, found = clock.now(), pulse(pid)
        if found != last:
            last, since = found, now
        elif found and now - since >= PATIENCE:
            idle()
            return
        timer = clock.call_later(LOOK, look)

    timer = clock.call_later(LOOK, look)
    try:
        yield
    finally:
        timer.cancel()


class Limit:
    """Calls `stop(seconds)` for a process that has not stopped a piece of work in that time.

    That is after `STOP`, as long as others do not need what it does (`needed`): one long step of
    a model, such as a prompt on a slow processor, must not cost them their answers.
    """

    def __init__(
        self,
        pid: int,
        clock: Clock,
        needed: Callable[[], bool],
        stop: Callable[[float], object],
    ) -> None:
        self._pid, self._clock, self._needed, self._stop = pid, clock, needed, stop
        self._last, self._waited = pulse(pid), 0.0
        self._timer = clock.call_later(STOP, self._look)

    def _look(self) -> None:
        self._waited += STOP
        last, self._last = self._last, pulse(self._pid)
        if self._waited < LONGEST and self._needed() and last != self._last:
            self._timer = self._clock.call_later(STOP, self._look)
        else:
            self._stop(self._waited)

    def cancel(self) -> None:
        """It has stopped."""
        self._timer.cancel()
