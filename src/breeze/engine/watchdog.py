"""Ends what lasts too long: one timer for all requests of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from breeze.contracts.clock import Clock, Timer
from breeze.engine.stream import EventStream

_EARLY = 1e-4
"""Seconds by which anything may be ended too early: sums of times are not exact."""
_REST = 1e-4
"""Seconds for each request between two looks at them all, so that looking costs next to nothing."""


class Watchdog:
    """Looks at the `live` requests when the first of them may be over one of its limits.

    `patience`: the shortest limit on a wait for an event. After a look, no such limit can end
    sooner than that, whatever the requests do; so only a deadline may need an earlier one.
    """

    def __init__(self, clock: Clock, live: Mapping[str, EventStream[Any]], patience: float) -> None:
        self._clock = clock
        self._live = live
        self._patience = patience
        self._due = inf
        self._timer: Timer | None = None

    def mind(self, deadline: float, now: float) -> None:
        """A request began, which must end at `deadline`."""
        if self._due > deadline or self._due == inf:
            self._plan(min(deadline, now + self._patience), now)

    def _plan(self, due: float, now: float) -> None:
        self.stop()
        self._due = due
        self._timer = self._clock.call_later(due - now, self._look)

    def _look(self) -> None:
        self._due = inf
        now = self._clock.now()
        due = now + self._patience
        for stream in tuple(self._live.values()):
            due = min(due, stream.look(now + _EARLY))
        if self._live:
            self._plan(max(due, now + _REST * len(self._live)), now)

    def stop(self) -> None:
        """Look no more, until a request begins."""
        if self._timer is not None:
            self._timer.cancel()
        self._due = inf
