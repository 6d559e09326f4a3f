"""Files that callers send ahead of their requests and refer to by id.

One folder, which several processes may share. A file is there whole or not at all: it is written
under a hidden name, and its folder gets its own name in one step at the end.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import AsyncIterable, Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import msgspec

from breeze.contracts.errors import (
    InputError,
    NotFoundError,
    RunnerError,
    TooLargeError,
    UnavailableError,
)
from breeze.service.upload_file import About, Writing

MIB = 1024 * 1024
_BLOCK = MIB
_CHECKED_EVERY = 16 * MIB
_LINGER = 600.0
"""Seconds for which a file outlives its time, for requests that have it open or in a queue."""
_ID = re.compile(r"upload-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_about = msgspec.json.Decoder(About)


class UploadLimits(NamedTuple):
    """Bytes of one file and of all together, number of files, seconds that a file is kept.

    `spare`: bytes of the disk that stay free whatever is sent.
    """

    size: int = 512 * MIB
    total: int = 4096 * MIB
    files: int = 1000
    keep: float = 3600.0
    spare: int = 256 * MIB


USUAL = UploadLimits()


class Upload(NamedTuple):
    """A file that is there: `size` in bytes, `expires_in` seconds from now."""

    id: str
    path: Path
    mime: str
    size: int
    sha256: str
    expires_in: float


def free_bytes(folder: Path) -> int:
    """What the disk under `folder` still takes."""
    return shutil.disk_usage(folder).free


class Uploads:
    """The uploads below `folder`, which is made when the first file comes.

    An owner sees its own files only; another's are as if they were not there. `now` is the time
    of day in seconds, since a file may outlive the process that took it.
    """

    def __init__(
        self,
        folder: Path,
        limits: UploadLimits = USUAL,
        *,
        now: Callable[[], float] = time.time,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self.folder = folder
        self.limits = limits
        self._now = now
        self._free = free

    async def receive(
        self, pieces: AsyncIterable[bytes], owner: str, *, mime: str = "", size: int | None = None
    ) -> Upload:
        """Keep what comes. `mime` counts where the bytes say nothing; `size` as announced.

        Raises TooLargeError, InputError for an empty file, and UnavailableError (status 507)
        when there is no room, before or in the middle; nothing of the file stays then.
        """
        self._check_size(size or 0)
        writing = await asyncio.to_thread(self._begin, size or 0)
        try:
            await self._write(writing, pieces)
            return await asyncio.to_thread(self._finish, writing, owner, mime)
        except OSError as error:
            raise _no_room(error.strerror or str(error)) from error
        finally:
            writing.abandon()  # what was finished has another name by now

    def get(self, id: str, owner: str) -> Upload:
        """The file called `id`. Raises NotFoundError: not there, another's, or its time is over."""
        about = self._read(id)
        left = about.expires - self._now() if about is not None else 0.0
        if about is None or about.owner != owner or left <= 0:
            raise NotFoundError(
                f"There is no upload {id[:64]!r} of yours, or its time is over. Send the file to "
                "/v2/uploads again.",
                field="id",
            )
        path = self.folder / id / "data"
        return Upload(id, path, about.mime, about.size, about.sha256, left)

    def remove(self, id: str, owner: str) -> None:
        """Forget a file at once. Raises NotFoundError."""
        self.get(id, owner)
        _remove(self.folder / id)

    def sweep(self) -> int:
        """Remove files whose time is over and what a crash left behind. How many there were."""
        gone = [entry for entry in self._entries() if self._is_over(entry)]
        for entry in gone:
            _remove(entry)
        return len(gone)

    def holds(self, path: str) -> bool:
        """Whether `path` is a file of ours, so that a request may name it."""
        file = Path(path)
        return file.parent.parent == self.folder and _ID.fullmatch(file.parent.name) is not None

    # inside -------------------------------------------------------------------------------

    def _begin(self, announced: int) -> Writing:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.sweep()
            self._check_room(announced)
            return Writing(self.folder / f".{uuid4()}.part")
        except OSError as error:
            raise _no_room(error.strerror or str(error)) from error

    async def _write(self, writing: Writing, pieces: AsyncIterable[bytes]) -> None:
        block, checked = bytearray(), 0
        async for piece in pieces:
            block += piece
            self._check_size(writing.size + len(block))
            if len(block) >= _BLOCK:
                await asyncio.to_thread(writing.write, bytes(block))
                block.clear()
                if writing.size - checked >= _CHECKED_EVERY:
                    checked = writing.size
                    await asyncio.to_thread(self._check_room, 0)
        await asyncio.to_thread(writing.write, bytes(block))

    def _finish(self, writing: Writing, owner: str, mime: str) -> Upload:
        if not writing.size:
            raise InputError("The file is empty: send its bytes as the body.", field="file")
        self._check_room(0)
        id = f"upload-{uuid4()}"
        about = writing.finish(self.folder / id, owner, mime, self._now() + self.limits.keep)
        path = self.folder / id / "data"
        return Upload(id, path, about.mime, about.size, about.sha256, self.limits.keep)

    def _check_size(self, size: int) -> None:
        if size > self.limits.size:
            raise TooLargeError(
                f"The file is larger than {self.limits.size / MIB:g} MiB: send it in parts.",
                field="file",
                data={"limit": self.limits.size},
            )

    def _check_room(self, more: int) -> None:
        if self._free(self.folder) - more < self.limits.spare:
            raise _no_room("the disk is full")
        entries = self._entries()
        taken = sum(_size(entry) for entry in entries) + more
        if taken > self.limits.total or len(entries) > self.limits.files:
            raise _no_room(f"{len(entries)} files with {taken / MIB:.0f} MiB are kept already")

    def _read(self, id: str) -> About | None:
        if not _ID.fullmatch(id):
            return None
        try:
            return _about.decode((self.folder / id / "about.json").read_bytes())
        except (OSError, msgspec.DecodeError):
            return None

    def _entries(self) -> list[Path]:
        try:
            return [entry for entry in self.folder.iterdir() if entry.is_dir()]
        except FileNotFoundError:
            return []

    def _is_over(self, entry: Path) -> bool:
        """A part that nobody has written to for long has lost its writer."""
        about = self._read(entry.name)
        if about is not None:
            return about.expires + _LINGER < self._now()
        try:
            return max(_changed(entry), _changed(entry / "data")) + _LINGER < self._now()
        except OSError:
            return False  # it has just been finished or removed


def _changed(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def _size(entry: Path) -> int:
    with suppress(OSError):
        return (entry / "data").stat().st_size
    return 0


def _remove(entry: Path) -> None:
    """The about goes first: a file of which nothing is known is not there any more."""
    with suppress(OSError):
        (entry / "about.json").unlink()
    shutil.rmtree(entry, ignore_errors=True)


def _no_room(why: str) -> RunnerError:
    return UnavailableError(
        f"There is no room for the file: {why}. Send it later, or free some space there.",
        detail="no_room",
        retry_after=60,
        data={"status": 507},
    )
