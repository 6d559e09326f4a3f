"""The limits on the processor: of this process's control group and of those around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from breeze.engine.hardware.machine import Machine

_TOP = "sys/fs/cgroup"


def quotas(machine: Machine) -> Iterator[float]:
    """How many cores each of them may use at once, where it says so."""
    for place in _files(machine):
        quota, _, period = machine.text(place).partition(" ")
        if not period:  # version 1 keeps it in a file of its own
            period = machine.text(f"{place.rpartition('/')[0]}/cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(period):
            yield int(quota) / int(period)


def _files(machine: Machine) -> Iterator[str]:
    """Where a limit may stand, in both versions of control groups.

    Inside a container only the top of each tree may be there, so that comes last.
    """
    for line in machine.text("proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            yield from (f"{_TOP}{folder}/cpu.max" for folder in _upwards(path))
        elif "cpu" in controllers.split(","):
            yield from (f"{_TOP}/cpu{folder}/cpu.cfs_quota_us" for folder in _upwards(path))


def _upwards(path: str) -> Iterator[str]:
    """`/a/b`, `/a` and the top."""
    own = PurePosixPath("/", path)
    for folder in (own, *own.parents):
        yield "" if str(folder) == "/" else str(folder)
