"""Writing so that nothing is ever half there, and what a full disk is called."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import stat
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from breeze.contracts.errors import DownloadError, RunnerError, UnavailableError
from breeze.models.settings import MIB

T = TypeVar("T")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BLOCK = MIB


class Digests(NamedTuple):
    """SHA-256 in hex, and the id that git gives to such a file."""

    sha256: str
    blob: str


def digests(path: Path, stop: Callable[[], bool] = lambda: False) -> Digests:
    """Both digests of a file, in one reading. Raises OSError; InterruptedError once `stop()`."""
    size = path.stat().st_size
    sha = hashlib.sha256()
    blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if stop():
                raise InterruptedError
            sha.update(block)
            blob.update(block)
    return Digests(sha.hexdigest(), blob.hexdigest())


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file in one step: before it the old one is there, after it the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder outlive a power cut, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder. A link counts nothing: its file is another program's."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            file = Path(base, name)
            if not file.is_symlink() and file.exists():
                total += file.stat().st_size
    return total


def own_bytes(folder: Path) -> int:
    """Bytes that would be free without this folder: a file with names elsewhere stays there."""
    sizes, names = dict[tuple[int, int], int](), dict[tuple[int, int], int]()
    for base, _, files in os.walk(folder):
        for name in files:
            try:
                told = Path(base, name).lstat()
            except OSError:  # it went away meanwhile
                continue
            if stat.S_ISREG(told.st_mode):
                file = (told.st_dev, told.st_ino)
                names[file] = names.get(file, told.st_nlink) - 1
                sizes[file] = told.st_size
    return sum(size for file, size in sizes.items() if names[file] <= 0)


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written on the disk of `folder`, which need not be there yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def disk_error(error: OSError, where: Path) -> RunnerError:
    """What to tell when `where` could not be written."""
    if error.errno in FULL:
        return DownloadError(
            f"The disk of {where} is full. Free some space (breeze models gc, breeze models "
            "remove ID) and pull again: it goes on where it stopped.",
            detail="disk_full",
            retryable=False,
        )
    return UnavailableError(f"{where} cannot be written: {error.strerror or error}.")


async def in_thread(call: Callable[[], T], stop: Callable[[], object] = lambda: None) -> T:
    """Run blocking work beside the loop. A cancelled caller waits until the work is over, after
    `stop` told it to end."""
    work = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop()
        await asyncio.wait({work})
        work.cancelled() or work.exception()
        raise


async def digests_of(path: Path) -> Digests:
    """Both digests of a file, beside the loop. Raises OSError."""
    stop = threading.Event()
    return await in_thread(lambda: digests(path, stop.is_set), stop.set)
