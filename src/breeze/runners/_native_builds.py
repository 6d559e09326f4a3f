"""What an installed native library was built for, by its files: none of it is imported here.

Importing would start drivers in the process that serves everybody, and some take seconds.
"""

from __future__ import annotations

import mmap
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_NATIVE = ("*.so", "*.so.*", "*.pyd", "*.dll", "*.dylib")


@cache
def folder(module: str) -> Path | None:
    """Where a package lies, None when it is not installed."""
    try:
        found = find_spec(module)
    except (ImportError, ValueError):  # half removed
        return None
    places = found.submodule_search_locations if found is not None else None
    return Path(next(iter(places))) if places else None


def has(module: str, *patterns: str) -> bool:
    """Whether one of these files belongs to the package."""
    root = folder(module)
    return root is not None and any(any(root.glob(pattern)) for pattern in patterns)


@cache
def mentions(module: str, pattern: bytes, within: str = ".") -> bool:
    """Whether a native library in the package's folder `within` has bytes that fit `pattern`."""
    root = folder(module)
    if root is None:
        return False
    files = (file for kind in _NATIVE for file in sorted((root / within).glob(kind)))
    return any(_holds(file, pattern) for file in files)


def _holds(file: Path, pattern: bytes) -> bool:
    try:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as m:
            return re.search(pattern, m) is not None
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False
