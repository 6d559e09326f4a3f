"""Whether a process does anything at all: of one that loads a model and does not, nothing comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from breeze.contracts.clock import Clock, Timer

LOOK = 10.0
"""Seconds between two looks at a process."""
PATIENCE = 60.0
"""Seconds in which a process has to do something."""


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
