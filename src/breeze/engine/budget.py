"""How much memory all loaded models may take together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from breeze.contracts.machine_memory import Bound, bounds

HEAD_ROOM = 0.2
"""Share of what there is that models leave to everything else."""
MB = 1_000_000
KEY = "globalSettings.memoryBudgetMb"


class Limit(NamedTuple):
    """What models may take together, in bytes, why that much, and what is left of it by others.

    `size` None: nobody knows a limit. `free`: what the machine has left for more, None if unknown.
    """

    size: int | None
    why: str
    free: int | None = None


class Budget:
    """The memory for models: what the configuration says, else most of what there is.

    `declared_mb`: megabytes of a million bytes. It stands as it is, but for a machine or control
    group that is smaller. Without it, a fifth of the memory stays free.
    """

    def __init__(
        self,
        declared_mb: int | None = None,
        *,
        measure: Callable[[], Sequence[Bound]] = bounds,
    ) -> None:
        self._declared = declared_mb
        self._measure = measure

    def now(self) -> Limit:
        """The limit at this moment: those of control groups may change."""
        known = self._measure()
        least = min(known, key=lambda bound: bound.size, default=None)
        declared = None if self._declared is None else self._declared * MB
        if declared is not None and (least is None or declared <= least.size):
            return Limit(declared, KEY)
        if least is None:
            return Limit(None, f"this system does not tell its memory: set {KEY}")
        if declared is not None:
            return Limit(least.size, f"{least.source}, which is less than {KEY}")
        left = [bound.free for bound in known if bound.free is not None]
        share = 1 - HEAD_ROOM
        return Limit(
            int(least.size * share),
            f"{share:.0%} of {least.source}, {size(least.size)}",
            int(min(left) * share) if left else None,
        )


def size(number: int) -> str:
    """A number of bytes for a person."""
    for unit, least in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if number >= least:
            return f"{number / least:.1f} {unit}"
    return f"{number} bytes"
