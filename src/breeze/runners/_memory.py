"""Memory that native libraries freed, given back to the system."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import TypeVar

from breeze.contracts.threads import in_thread

T = TypeVar("T")


async def loaded(make: Callable[[], T]) -> T:
    """What blocking `make` loads, in a thread; nothing else may keep what it makes.

    A load that is cancelled ends first, and what it made is freed, before this returns: until
    then its memory is taken. Raises what `make` raises.
    """
    made: list[T] = []

    def free(_: None) -> None:
        made.clear()
        give_back()

    await in_thread(lambda: made.append(make()), free)
    return made.pop()


def give_back() -> None:
    """Return freed memory to the system where the C library can (glibc); some 20 ms.

    A thread that loads a model leaves its freed blocks in an arena of its own, where the next
    thread does not look: without this, resident memory grows with each load.
    """
    process = ctypes.CDLL(None) if os.name == "posix" else None
    trim = getattr(process, "malloc_trim", None)
    if trim is not None:
        trim(0)
