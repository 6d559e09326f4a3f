"""Reading a model's files ahead of its load, so that whoever waits sees how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from breeze.contracts.events import Progress

SMALL = 128 << 20
"""Bytes below which a load is over before anybody would look."""
PIECE = 16 << 20
"""Bytes between two looks."""


async def read_ahead(
    files: Sequence[Path], tell: Callable[[Progress], object], *, small: int = SMALL
) -> None:
    """Bring the files into the system's cache, from where llama.cpp maps them at once.

    `tell` gets a Progress of the stage "load" in bytes, on this loop's thread. Does nothing for
    files that are `small` bytes together, and stops silently where one cannot be read: who opens
    it will say so.
    """
    try:
        total = sum(path.stat().st_size for path in files)
        if total <= small:
            return
        done = 0
        for path in files:
            with path.open("rb", buffering=0) as file:
                piece = memoryview(bytearray(PIECE))
                while read := await asyncio.to_thread(file.readinto, piece):
                    done += read
                    tell(Progress("load", done, total))
    except OSError:
        return
