"""Memory: what the machine has, and what this process may take of it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from breeze.engine.hardware.machine import Machine

_CGROUP = "sys/fs/cgroup"


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
    """The limits of the process's own group and of those around it, both versions of cgroups."""
    for line in machine.text("proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            top, name = _CGROUP, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = f"{_CGROUP}/memory", "memory.limit_in_bytes"
        else:
            continue
        for folder in _upwards(path):
            place = f"{top}{folder}/{name}"
            if limit := machine.number(place):
                yield limit, f"/{place}"


def _upwards(path: str) -> Iterator[str]:
    """`/a/b`, `/a` and the top; inside a container only the top may be there."""
    own = PurePosixPath("/", path)
    for folder in (own, *own.parents):
        yield "" if str(folder) == "/" else str(folder)


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
