"""What is told while a place and a load are waited for, and then the leased runner."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable

from breeze.contracts.clock import Clock
from breeze.contracts.events import Progress
from breeze.engine.entry import AnyRunner, Entry, Key
from breeze.engine.pool import Pool
from breeze.engine.watch import Watch

_MOST = 16
"""Pieces of news for a slow reader; older ones are of no use."""


class _News:
    """What was told and not yet read: of one stage only the latest."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self._items: deque[Progress] = deque(maxlen=_MOST)

    def add(self, progress: Progress) -> None:
        if self._items and self._items[-1].stage == progress.stage:
            self._items.pop()
        self._items.append(progress)
        self.came.set()

    def read(self) -> list[Progress]:
        self.came.clear()
        found = [*self._items]
        self._items.clear()
        return found


class Aside:
    """Takes the time of a load, `most` seconds of it, from none of the time of a request."""

    def __init__(self, watch: Watch, clock: Clock, most: float) -> None:
        self._watch, self._clock, self._most = watch, clock, most
        self._begun = 0.0

    def __call__(self, begins: bool) -> None:
        """A load begins, or has ended."""
        now = self._clock.now()
        if begins:
            self._begun, self._watch.loading = now, now + self._most
        else:
            self._watch.deadline += min(now - self._begun, self._most)
            self._watch.loading = 0.0


async def arrival(
    pool: Pool, key: Key, make: Callable[[], AnyRunner], loads: Callable[[bool], object]
) -> AsyncGenerator[Progress | Entry]:
    """How the wait goes, and at last the entry, leased. Raises what `Pool.admit` raises.

    Closed before that, it keeps no lease.
    """
    news = _News()
    admission = asyncio.ensure_future(pool.admit(key, make, news.add, loads))
    admission.add_done_callback(lambda _: news.came.set())
    handed = False
    try:
        while not admission.done():
            await news.came.wait()
            for progress in news.read():
                yield progress
        entry = admission.result()
        handed = True
        yield entry
    finally:
        if not handed:
            admission.add_done_callback(lambda done: _give_back(pool, done))
            admission.cancel()
            await asyncio.wait((admission,))
        del admission  # its error knows this frame


def _give_back(pool: Pool, admission: asyncio.Future[Entry]) -> None:
    """The lease came although nobody waited for it any more."""
    if not admission.cancelled() and admission.exception() is None:
        pool.leave(admission.result())
