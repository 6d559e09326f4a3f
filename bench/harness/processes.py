"""What a process and its children take of memory, as the system counts it. Linux."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


class Processes:
    """This process and those below it. `most`: bytes at most; `seen`: children, ever."""

    def __init__(self) -> None:
        self.most = 0
        self.seen: set[int] = set()

    def look(self) -> int:
        """Bytes of all of them now: what several share is counted once."""
        children = set(_below(os.getpid()))
        self.seen |= children
        now = sum(map(_proportional, (os.getpid(), *children)))
        self.most = max(self.most, now)
        return now


def _below(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, _text(task).split()):
            yield child
            yield from _below(child)


def _proportional(pid: int) -> int:
    lines = _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # it has just ended
        return ""
