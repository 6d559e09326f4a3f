"""Room in memory for what is to be loaded: idle models go, those in use and pinned ones stay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Any

from breeze.contracts.clock import Clock
from breeze.contracts.errors import MemoryLimitError
from breeze.contracts.events import Progress
from breeze.engine.budget import KEY, Budget, Limit, size
from breeze.engine.entry import Entry, State

PATIENCE = 10.0
"""Seconds for which a load waits for streams of a model that is to be unloaded anyway."""


class Room:
    """What the loaded models of one pool take of the budget.

    `evict` begins to unload an idle entry, which ends in `free`. `pinned` tells which instances
    keep their models. No `budget`: there is no limit.
    """

    def __init__(
        self,
        budget: Budget | None,
        clock: Clock,
        evict: Callable[[Entry], object],
        pinned: Callable[[str], bool],
    ) -> None:
        self.budget = budget
        self.pinned = pinned
        self.evictions = 0
        self._over = False
        self._clock = clock
        self._evict = evict
        self._entries: dict[Entry, None] = {}
        self._turn = asyncio.Lock()
        self._change: asyncio.Future[None] | None = None

    @property
    def taken(self) -> int:
        """Bytes that are in use, those of loads that have begun included."""
        return sum(entry.size for entry in self._entries)

    @property
    def limit(self) -> int:
        """Bytes that all models may take together; 0 is no limit."""
        return (self.budget.now().size or 0) if self.budget is not None else 0

    async def take(self, entry: Entry, need: int) -> None:
        """Keep `need` bytes for `entry`, once others have gone for it, one load after the other.

        Raises MemoryLimitError where even all that is idle would not do; then nothing goes.
        """
        async with self._turn:
            self._entries.pop(entry, None)  # what it had before, it has lost
            await self._make(entry, need)
            self.put(entry, need, measured=False)

    def put(self, entry: Entry, need: int, *, measured: bool) -> None:
        """`entry` takes so many bytes."""
        entry.size, entry.measured = need, measured
        self._entries[entry] = None

    def free(self, entry: Entry) -> None:
        """`entry` takes nothing any more."""
        entry.size, entry.measured = 0, False
        self._entries.pop(entry, None)
        self._changed()

    def left(self) -> None:
        """The last one who used a model has left it, so it may go."""
        self._changed()
        if self._over:
            self.refit()

    def refit(self) -> None:
        """Unload what is idle if more is taken than was expected, as a load may have shown."""
        limit = self.budget.now().size if self.budget is not None else None
        if limit is None:
            return
        over = self.taken - limit - sum(e.size for e in self._entries if _going(e))
        for idle in self._idle():
            if over > 0:
                over -= idle.size
                self._away(idle)
        self._over = over > 0

    async def _make(self, entry: Entry, need: int) -> None:
        """Unload what is idle until `need` bytes are free."""
        until: float | None = None
        for other in self._entries:
            other.remeasure()
        while self.budget is not None and need:
            limit = self.budget.now()
            short = self._short(limit, need)
            if short <= 0:
                return
            going = sum(e.size for e in self._entries if _going(e))
            idle = self._idle()
            enough = going + sum(e.size for e in idle)
            if going < short <= enough:
                entry.tell(Progress("making room"))
                self._away(idle[0])
                continue
            enough += sum(e.size for e in self._entries if e.retired and e.leases)
            until = self._clock.now() + PATIENCE if until is None else until
            if short > going and (short > enough or self._clock.now() >= until):
                raise self._refusal(entry, need, limit)
            entry.tell(Progress("waiting for memory"))
            await self._next_change(until if short > going else inf)

    def _short(self, limit: Limit, need: int) -> int:
        """Bytes that are missing: of the budget, or of what others have left of the machine."""
        short = need + self.taken - limit.size if limit.size is not None else 0
        if limit.free is not None:
            coming = sum(e.size for e in self._entries if e.state is State.LOADING)
            short = max(short, need + coming - limit.free)
        return short

    def _idle(self) -> list[Entry]:
        """What may go, the longest idle first."""
        found = [e for e in self._entries if e.state is State.READY and not (e.leases or e.retired)]
        return sorted(
            (e for e in found if not self.pinned(e.key.instance)), key=lambda e: e.idle_since
        )

    def _away(self, entry: Entry) -> None:
        self.evictions += 1
        self._evict(entry)

    def _changed(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)

    async def _next_change(self, until: float) -> None:
        """Wait until something is freed, or someone has left."""
        change = self._change = asyncio.get_running_loop().create_future()
        timer = None
        if until < inf:
            timer = self._clock.call_later(until - self._clock.now(), self._changed)
        try:
            await change
        finally:
            if timer is not None:
                timer.cancel()

    def _refusal(self, entry: Entry, need: int, limit: Limit) -> MemoryLimitError:
        """The figures, and what to do."""
        total = limit.size if limit.size is not None else need
        facts = [self._fact(other) for other in self._entries]
        taken = "; ".join(_told(fact) for fact in facts) or "nothing is loaded"
        left = f", {size(limit.free)} of which others have left free" if limit.free else ""
        if never := need > total:
            remedy = f"Choose a smaller model, or raise {KEY}."
        else:
            remedy = f"Ask again when one of these is idle, choose a smaller model, or raise {KEY}."
        return MemoryLimitError(
            f"{entry.name} needs {size(need)} of memory, and models may take {size(total)} "
            f"({limit.why}{left}): {taken}. {remedy}",
            runner=entry.key.instance,
            model=entry.key.model,
            retryable=not never,
            retry_after=None if never else 1.0,
            data={"needed": need, "budget": total, "free": limit.free, "loaded": facts},
        )

    def _fact(self, entry: Entry) -> dict[str, Any]:
        return {
            "runner": entry.key.instance,
            "model": entry.key.model,
            "size": entry.size,
            "state": entry.state.value,
            "leases": entry.leases,
            "pinned": self.pinned(entry.key.instance),
        }


def _going(entry: Entry) -> bool:
    """Whether it is being unloaded, so that its memory comes back without more ado."""
    return entry.retired and not entry.leases


def _told(fact: dict[str, Any]) -> str:
    name = f"{fact['runner']}/{fact['model']}" if fact["model"] else fact["runner"]
    why = "pinned" if fact["pinned"] else fact["state"]
    if fact["leases"]:
        why = f"in use by {fact['leases']}"
    return f"{name} {size(fact['size'])} ({why})"
