"""Notices clients that leave before they have their answer, at next to no cost for the others.

Most answers take a few milliseconds. Only a call that takes longer gets a task that listens for
its client's leaving; one timer serves all calls that began within a moment.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

_MOMENT = 0.005


class Listening(Protocol):
    """A call; `listen` begins to wait for its client's leaving, unless it is over."""

    def listen(self) -> None: ...


class Leaving:
    """Tells calls to listen once they have lasted one to two moments."""

    __slots__ = ("_fresh", "_old", "_planned")

    def __init__(self) -> None:
        self._fresh: list[Listening] = []
        self._old: list[Listening] = []
        self._planned = False

    def add(self, call: Listening) -> None:
        """A call that has begun."""
        self._fresh.append(call)
        if not self._planned:
            self._planned = True
            asyncio.get_running_loop().call_later(_MOMENT, self._look)

    def _look(self) -> None:
        old, self._old, self._fresh = self._old, self._fresh, []
        for call in old:
            call.listen()
        self._planned = bool(self._old)
        if self._planned:
            asyncio.get_running_loop().call_later(_MOMENT, self._look)
