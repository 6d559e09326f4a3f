"""Memory: what the machine has, and what this process may take of it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import NamedTuple

from breeze.engine.hardware.cgroup import files
from breeze.engine.hardware.machine import Machine


class Memory(NamedTuple):
    """Bytes of the machine, and the limit of the process with the file that sets it."""

    total: int
    limit: int | None = None
    limited_by: str = ""

    @property
    def usable(self) -> int:
        """Bytes that this process may take; 0 when the system does not tell."""
        return min(self.total, self.limit) if self.limit and self.total else self.total


def memory(machine: Machine) -> Memory:
    """The memory of the machine. `total` is 0 where its system does not tell."""
    total = _total(machine)
    limits = [(limit, place) for limit, place in _limits(machine) if limit < total]
    return Memory(total, *min(limits)) if limits else Memory(total)


def available(machine: Machine) -> int | None:
    """Bytes that can be had without swapping, None where the system does not tell."""
    return _meminfo(machine, "MemAvailable")


def _total(machine: Machine) -> int:
    if (told := _meminfo(machine, "MemTotal")) is not None:
        return told
    if machine.system == "win32":
        return _windows_total()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def _meminfo(machine: Machine, name: str) -> int | None:
    for line in machine.text("proc/meminfo").splitlines():
        key, _, rest = line.partition(":")
        if key == name and rest.split()[0].isdecimal():
            return int(rest.split()[0]) * 1024
    return None


def _limits(machine: Machine) -> Iterator[tuple[int, str]]:
    for place in files(machine, "memory", "memory.max", "memory.limit_in_bytes"):
        if limit := machine.number(place):
            yield limit, f"/{place}"


class _MemoryStatus(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("rest", ctypes.c_uint64 * 6),
    )


def _windows_total() -> int:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    kernel = ctypes.CDLL("kernel32")
    return int(status.total) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else 0
