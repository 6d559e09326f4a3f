"""Who works in which slot: a conversation comes back to the one that still knows its beginning."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

from breeze.contracts.threads import Outlet

_WAIT = 0.02
"""Seconds between two looks at whether somebody still waits for a slot."""


@dataclass
class _Slot:
    number: int
    busy: bool = False
    session: str = ""
    talk: tuple[int, ...] = ()
    """A number for each message that it has read."""
    used: int = 0


class Slots:
    """Places to work in. A session keeps the one it had for as long as others have room."""

    def __init__(self, count_: int) -> None:
        self._slots = [_Slot(number) for number in range(count_)]
        self._changed = threading.Condition()
        self._turns = count(1)

    @contextmanager
    def take(
        self, outlet: Outlet[Any], session: str = "", talk: Sequence[bytes] = ()
    ) -> Iterator[int | None]:
        """The number of a slot for this conversation; None when the reader left meanwhile."""
        wanted = tuple(map(hash, talk))
        slot = self._wait(outlet, session, wanted)
        if slot is None:
            yield None
            return
        try:
            yield slot.number
        finally:
            with self._changed:
                slot.busy = False
                self._changed.notify()

    def _wait(self, outlet: Outlet[Any], session: str, talk: tuple[int, ...]) -> _Slot | None:
        with self._changed:
            while not (free := [slot for slot in self._slots if not slot.busy]):
                self._changed.wait(_WAIT)
                if outlet.closed:
                    return None
            slot = max(free, key=lambda slot: _fitness(slot, session, talk))
            slot.busy, slot.session, slot.talk = True, session, talk
            slot.used = next(self._turns)
            return slot


def _fitness(slot: _Slot, session: str, talk: tuple[int, ...]) -> tuple[Any, ...]:
    """The higher, the more is saved and the less is lost by working there."""
    pairs = zip(slot.talk, talk, strict=False)
    known = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    goes_on = 0 < known == len(slot.talk) and not slot.session
    mine = slot.session == session != ""
    return mine, goes_on, not slot.session, known, -slot.used
