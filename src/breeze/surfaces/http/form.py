"""A form that was sent, and its file: small ones in memory, larger ones on disk for a while."""

from __future__ import annotations

import asyncio
import os
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from breeze.contracts.errors import TooLargeError

MIB = 1024 * 1024
IN_MEMORY = MIB
"""Bytes of a file that are held before it goes to disk."""
_BLOCK = 256 * 1024


class Upload:
    """A file that was sent: in `data`, or in the file `path`, which only this user can read."""

    def __init__(self, field: str, limit: int) -> None:
        self.field = field
        self.size = 0
        self.path = ""
        self._limit = limit
        self._waiting = bytearray()
        self._file: IO[bytes] | None = None
        self._remove: Callable[[], object] | None = None

    @property
    def data(self) -> bytes:
        """All of it, when it was small; empty when it is in the file."""
        return bytes(self._waiting)

    def take(self, data: bytes) -> None:
        """The next bytes. Raises TooLargeError beyond the limit."""
        self.size += len(data)
        if self.size > self._limit:
            raise TooLargeError(
                f"The file is larger than the {self._limit / MIB:g} MiB this route takes: "
                "send it in parts, or compressed.",
                field=self.field,
                data={"limit": self._limit},
            )
        self._waiting += data

    async def settle(self, *, end: bool = False) -> None:
        """Bring to disk what need not wait in memory; at the `end`, all of a large file."""
        if self._file is None and len(self._waiting) <= IN_MEMORY:
            return
        if end or self._file is None or len(self._waiting) >= _BLOCK:
            block, self._waiting = self._waiting, bytearray()
            await asyncio.to_thread(self._write, block, end)

    def _write(self, block: bytearray, end: bool) -> None:
        if self._file is None:
            handle, self.path = tempfile.mkstemp(prefix="breeze-")
            self._file = os.fdopen(handle, "wb")
            # Also when nobody closes this: the file goes with the object, or with the process.
            self._remove = weakref.finalize(self, _removed, self._file, self.path)
        self._file.write(block)
        if end:
            self._file.close()

    def close(self) -> None:
        """Remove the file, if there is one."""
        self._waiting.clear()
        if self._remove is not None:
            self._remove()


def _removed(file: IO[bytes], path: str) -> None:
    file.close()
    Path(path).unlink(missing_ok=True)


class Form:
    """The fields of a form in order, and its file. Leaving it removes the file."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self.file: Upload | None = None

    def close(self) -> None:
        """Remove what was written for it."""
        if self.file is not None:
            self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
