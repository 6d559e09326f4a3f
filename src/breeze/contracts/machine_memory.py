"""How much memory there is, and how much of it is left: the machine's, and what a group may use.

Linux tells all of it. Elsewhere the machine's size is known, and what is left is not.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

_NO_LIMIT = 1 << 60
"""From here on a figure of a control group means that there is no limit."""
_ROOT = Path("/")
MACHINE = "this machine's memory"
"""The source of what the machine itself has."""


class Bound(NamedTuple):
    """Something that limits memory. Bytes; `free` is what is left of it, None where unknown."""

    size: int
    free: int | None
    source: str


def bounds(root: Path = _ROOT) -> tuple[Bound, ...]:
    """Everything that limits the memory of this process; nothing where the system does not tell.

    `root` is where `proc` and `sys` are.
    """
    machine = _machine(root)
    return (*((machine,) if machine else ()), *_groups(root))


def resident(root: Path = _ROOT) -> int:
    """Bytes of memory that this process has now; 0 where the system does not tell."""
    pages = _text(root / "proc/self/statm").split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else 0


def _machine(root: Path) -> Bound | None:
    lines = _text(root / "proc/meminfo").splitlines()
    facts = {name: value.split()[0] for name, _, value in (x.partition(":") for x in lines)}
    if "MemTotal" not in facts:
        size = _elsewhere() if root == _ROOT else 0
        return Bound(size, None, MACHINE) if size else None
    free = int(facts["MemAvailable"]) * 1024 if "MemAvailable" in facts else None
    return Bound(int(facts["MemTotal"]) * 1024, free, MACHINE)


def _elsewhere() -> int:
    """The machine's bytes where there is no /proc: macOS and Windows."""
    if os.name == "posix":
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError):
            return 0
    kernel = getattr(ctypes, "windll", None)
    kilobytes = ctypes.c_ulonglong(0)
    if kernel is None:
        return 0
    kernel.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))
    return kilobytes.value * 1024


def _groups(root: Path) -> Iterator[Bound]:
    """The control groups that this process is in, each with those above it."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0" and not controllers:
            yield from _above(root / "sys/fs/cgroup", path, _second)
        elif "memory" in controllers.split(","):
            yield from _above(root / "sys/fs/cgroup/memory", path, _first)


def _above(mount: Path, path: str, read: Callable[[Path], Iterator[Bound]]) -> Iterator[Bound]:
    """What a group and those above it limit. In a container `path` may lie outside of `mount`."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for depth in range(len(parts), -1, -1):
        yield from read(mount.joinpath(*parts[:depth]))


def _second(group: Path) -> Iterator[Bound]:
    """Of version 2: `high` slows down what is above it, `max` ends it."""
    used = _number(group / "memory.current")
    cached = _stat(group, "inactive_file", "active_file")
    for name in ("memory.max", "memory.high"):
        yield from _bound(group / name, used, cached)


def _first(group: Path) -> Iterator[Bound]:
    """Of version 1."""
    used = _number(group / "memory.usage_in_bytes")
    cached = _stat(group, "total_inactive_file", "total_active_file")
    yield from _bound(group / "memory.limit_in_bytes", used, cached)


def _bound(file: Path, used: int | None, cached: int) -> Iterator[Bound]:
    size = _number(file)
    if size is not None and size < _NO_LIMIT:
        free = None if used is None else max(0, size - max(0, used - cached))
        yield Bound(size, free, f"the control group's {file.name}")


def _number(file: Path) -> int | None:
    """What a file says; None where there is none, or it says `max`."""
    text = _text(file).strip()
    return int(text) if text.isdigit() else None


def _stat(group: Path, *names: str) -> int:
    """The sum of figures of memory.stat; 0 where they are not told."""
    figures = dict(x.split(" ", 1) for x in _text(group / "memory.stat").splitlines() if " " in x)
    return sum(int(figures.get(name, 0)) for name in names)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
