"""Visitors who come at random, and the moments of rest in which nobody is there."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from harness.soak import chats, others, rude
from harness.soak.samples import Sample, take
from harness.soak.site import Site
from harness.soak.wire import Untrue

Visit = Callable[[Site, random.Random], Coroutine[Any, Any, None]]
VISITS: dict[Visit, int] = {**chats.VISITS, **others.VISITS, **rude.VISITS}
_PATIENCE = 30.0
_MOST = 48
"""Visitors at once."""
_SETTLED_WITHIN = 10.0


class Crowd:
    """Keeps visitors coming. `seen`: visits by kind; `faults`: what was untrue, by kind."""

    def __init__(self, site: Site, rate: float, seed: int) -> None:
        self.site = site
        self.seen: Counter[str] = Counter()
        self.faults: list[str] = []
        self._rate = rate
        self._dice = random.Random(seed)
        self._here: set[asyncio.Task[None]] = set()

    async def warm(self) -> None:
        """Everybody once or more, so that whatever is made at the first time is there."""
        for _ in range(3):
            await asyncio.gather(*map(self._visit, VISITS))

    async def come(self, seconds: float) -> None:
        """Visitors for so long; those who came last are still there afterwards."""
        until = time.monotonic() + seconds
        kinds, weights = [*VISITS], [*VISITS.values()]
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, self._dice.expovariate(self._rate)))
            if len(self._here) < _MOST:
                (kind,) = self._dice.choices(kinds, weights)
                task = asyncio.create_task(self._visit(kind))
                self._here.add(task)
                task.add_done_callback(self._here.discard)

    async def rest(self, base: Sample | None) -> Sample:
        """Wait until all have gone and the server has noticed: at `base`, or after ten seconds."""
        if self._here:
            await asyncio.wait(self._here)
        until = time.monotonic() + _SETTLED_WITHIN
        while True:
            sample = await take(self.site)
            if sample.quiet and (base is None or sample.no_more_than(base)):
                return sample
            if time.monotonic() > until:
                return sample
            await asyncio.sleep(0.2)

    async def _visit(self, kind: Visit) -> None:
        name = kind.__name__
        try:
            async with asyncio.timeout(_PATIENCE):
                await kind(self.site, random.Random(self._dice.random()))
        except Untrue as fault:
            self.faults.append(f"{name}: {fault}")
        except Exception as fault:  # a fault of whatever kind is one, and the others go on
            self.faults.append(f"{name}: {type(fault).__name__} {fault}")
        self.seen[name] += 1
