"""The machine as detectors see it: its files, its libraries, what its system answers."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def _loaded(library: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(library)
    except OSError:
        return None


def _usable(device: Path) -> bool:
    return os.access(device, os.R_OK | os.W_OK)


@dataclass(frozen=True)
class Machine:
    """Where detectors look. `root` is the top of its files, so that another tree can be looked at.

    `system` is as `sys.platform` says it, `architecture` as the kernel does; `load` gives a
    native library or None, `usable` tells whether this user may use a device file.
    """

    root: Path = Path("/")
    system: str = sys.platform
    architecture: str = field(default_factory=lambda: platform.machine().lower())
    load: Callable[[str], object] = _loaded
    usable: Callable[[Path], bool] = _usable

    def text(self, path: str) -> str:
        """What a file says, "" when it cannot be read; zero bytes count as blanks."""
        try:
            data = (self.root / path).read_bytes()
        except OSError:
            return ""
        return data.replace(b"\0", b" ").decode("utf-8", "replace").strip()

    def number(self, path: str) -> int | None:
        """The whole number in a file, None when there is none."""
        text = self.text(path)
        return int(text) if text.isdecimal() else None

    def found(self, *patterns: str) -> list[Path]:
        """The files that fit, in the order of the patterns. Nothing where one may not look."""
        seen: list[Path] = []
        for pattern in patterns:
            try:
                seen += sorted(self.root.glob(pattern))
            except OSError:
                continue
        return seen

    def library(self, *names: str) -> str:
        """The first of these libraries that can be loaded, "" when none can."""
        return next((name for name in names if self.load(name) is not None), "")

    def shown(self, path: Path) -> str:
        """A file's name as it is on the machine itself."""
        return f"/{path.relative_to(self.root).as_posix()}"
