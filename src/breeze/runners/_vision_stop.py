"""Stopping work on a picture as soon as nobody waits for it."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_EVERY = 0.01
"""Seconds between two looks whether the reader has gone, while native code runs."""


class Stopped(Exception):
    """Nobody listens any more. It never reaches a caller."""


class Stop:
    """Tells the steps of an analysis whether to go on. `gone` may be called from any thread."""

    def __init__(self, gone: Callable[[], bool]) -> None:
        self.gone = gone

    def check(self) -> None:
        """Raises Stopped when nobody listens."""
        if self.gone():
            raise Stopped

    @contextmanager
    def halting(self, halt: Callable[[], None]) -> Iterator[None]:
        """Call `halt` from another thread if the reader goes away while the block runs."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(_LOOK_EVERY):
                if self.gone():
                    halt()
                    return

        watcher = threading.Thread(target=watch, daemon=True, name="breeze-watch")
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


class StoppableBytes(io.BytesIO):
    """A file in memory whose reading ends when nobody waits: decoders read block by block."""

    def __init__(self, data: bytes, stop: Stop) -> None:
        super().__init__(data)
        self._stop = stop

    def read(self, size: int | None = -1, /) -> bytes:
        self._stop.check()
        return super().read(size)
