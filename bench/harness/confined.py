"""A real limit on memory: a control group for a process and its children. Linux, as root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_MOUNT = Path("/sys/fs/cgroup")


class Group(NamedTuple):
    """A control group with a limit, of version 1 or 2."""

    folder: Path
    second: bool

    def limit(self, size: int) -> None:
        """At most so many bytes, of which nothing may be swapped out. Raises OSError."""
        files = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
        if self.second:
            files = ("memory.max", "memory.swap.max")
        (self.folder / files[0]).write_text(str(size))
        swap = self.folder / files[1]
        if swap.exists():
            swap.write_text("0" if self.second else str(size))

    def join(self) -> None:
        """Move this process there."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    @property
    def peak(self) -> int:
        """Bytes that it had at most, the files that the system kept in memory for it included."""
        name = "memory.peak" if self.second else "memory.max_usage_in_bytes"
        return int((self.folder / name).read_text())

    @property
    def kills(self) -> int:
        """Processes that the system ended there for want of memory."""
        name = "memory.events" if self.second else "memory.oom_control"
        lines = (self.folder / name).read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


@contextmanager
def group(size: int) -> Iterator[Group | None]:
    """A group below ours with that limit, gone at the end; None where it cannot be made."""
    ours = _ours()
    if ours is None:
        yield None
        return
    made = Group(ours.folder / f"breeze-{os.getpid()}", ours.second)
    try:
        made.folder.mkdir()
        made.limit(size)
    except OSError:
        if made.folder.is_dir():
            made.folder.rmdir()
        yield None
        return
    try:
        yield made
    finally:
        made.folder.rmdir()


def _ours() -> Group | None:
    """The group that this process is in."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for second, mount in ((True, _MOUNT), (False, _MOUNT / "memory")):
            wanted = not controllers if second else "memory" in controllers.split(",")
            folder = mount / path.lstrip("/")
            if (
                wanted
                and (folder / "cgroup.procs").exists()
                and mount.joinpath("cgroup.procs").exists()
            ):
                return Group(folder, second)
    return None
