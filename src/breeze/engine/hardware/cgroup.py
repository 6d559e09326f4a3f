"""What the control groups of this process say, its own and those around it, in both versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from breeze.engine.hardware.machine import Machine

_TOP = "sys/fs/cgroup"


def files(machine: Machine, controller: str, second: str, first: str) -> Iterator[str]:
    """The paths where a limit may stand: `second` and `first` are its names in the versions.

    Inside a container only the top of each tree may be there, so that comes last.
    """
    for line in machine.text("proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            yield from (f"{_TOP}{folder}/{second}" for folder in _upwards(path))
        elif controller in controllers.split(","):
            yield from (f"{_TOP}/{controller}{folder}/{first}" for folder in _upwards(path))


def _upwards(path: str) -> Iterator[str]:
    """`/a/b`, `/a` and the top."""
    own = PurePosixPath("/", path)
    for folder in (own, *own.parents):
        yield "" if str(folder) == "/" else str(folder)
