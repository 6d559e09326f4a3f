"""Memory: what the machine has, and what this process may take of it."""

from __future__ import annotations

from typing import NamedTuple

from breeze.contracts.machine_memory import MACHINE, bounds
from breeze.engine.hardware.machine import Machine


class Memory(NamedTuple):
    """Bytes of the machine (0: not told), and of the lowest limit below that with what sets it.

    `free`: bytes that can be had now, None where the system does not tell.
    """

    total: int
    limit: int | None = None
    limited_by: str = ""
    free: int | None = None

    @property
    def usable(self) -> int:
        """Bytes that this process may take; 0 when the system does not tell."""
        return self.limit or self.total


def memory(machine: Machine) -> Memory:
    """The memory of the machine, and the limits of this process's control groups."""
    found = bounds(machine.root)
    total = next((one.size for one in found if one.source == MACHINE), 0)
    free = min((one.free for one in found if one.free is not None), default=None)
    lower = [one for one in found if one.source != MACHINE and not 0 < total <= one.size]
    if not lower:
        return Memory(total, free=free)
    lowest = min(lower, key=lambda one: one.size)
    return Memory(total, lowest.size, lowest.source, free)
