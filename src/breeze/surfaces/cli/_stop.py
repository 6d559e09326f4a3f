"""Ctrl-C: the first one stops the work cleanly, the second one the process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol


class Stoppable(Protocol):
    """Work that can be stopped."""

    def cancel(self) -> bool:
        """Stop it. True if something was stopped."""


class Stop:
    """What a signal stops: the stream when there is one, else the whole command."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task = asyncio.current_task(loop)
        self.stream: Stoppable | None = None

    def __call__(self) -> None:
        """Stop once, cleanly. A second signal finds the system's own handler, and kills."""
        for number in _SIGNALS:
            self._loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        if (self.stream is None or not self.stream.cancel()) and self._task is not None:
            self._task.cancel()


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[Stop]:
    """While the block runs, Ctrl-C and a polite kill stop the work instead of the process."""
    loop = asyncio.get_running_loop()
    stop = Stop(loop)
    with suppress(NotImplementedError):  # Windows has no such handlers; Ctrl-C raises there
        for number in _SIGNALS:
            loop.add_signal_handler(number, stop)
    try:
        yield stop
    finally:
        with suppress(NotImplementedError):
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
