"""Memory that native libraries freed, given back to the system."""

from __future__ import annotations

import ctypes
import os


def give_back() -> None:
    """Return freed memory to the system where the C library can (glibc); some 20 ms.

    A thread that loads a model leaves its freed blocks in an arena of its own, where the next
    thread does not look: without this, resident memory grows with each load.
    """
    process = ctypes.CDLL(None) if os.name == "posix" else None
    trim = getattr(process, "malloc_trim", None)
    if trim is not None:
        trim(0)
