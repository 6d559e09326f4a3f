"""Files that are whole at every moment: replaced in one step, changed by one process at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from breeze.config.json_text import read_json
from breeze.contracts.errors import UnavailableError

__all__ = ["locked", "make_private", "read_json", "write_atomically"]


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by `data`, durably: a reader finds the old or the new file, never a part.

    Missing folders are made; a link is written through. The umask and the mode of the old file
    can only tighten `mode`. Raises UnavailableError, and then the old file is as it was.
    A writer killed in the middle leaves its spare file; the next `locked(path)` sweeps it.
    """
    try:
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, data, mode & _present_mode(target))
    except OSError as error:
        raise UnavailableError(
            f"{path} could not be written: {error.strerror or error}; nothing was changed. "
            "Free some space or allow writing there, then try again.",
            data={"file": str(path), "errno": error.errno},
        ) from error
    _sync_folder(target.parent)


def _replace(target: Path, data: bytes, mode: int) -> None:
    spare = target.with_name(f".{target.name}.{token_hex(8)}.tmp")
    try:
        with os.fdopen(os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        spare.replace(target)
    finally:
        with suppress(OSError):  # after success there is none
            spare.unlink()


def _present_mode(target: Path) -> int:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return 0o777


def _sync_folder(folder: Path) -> None:
    """Make the new name durable. Some systems cannot; the file itself is whole all the same."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def locked(path: Path, *, timeout: float = 10.0) -> Iterator[None]:
    """Keep other processes and threads that lock `path` out while the block runs.

    Read, change and write inside one block loses no update. The lock ends with its process,
    however that ends. Raises UnavailableError when somebody holds it for `timeout` seconds.
    """
    from filelock import FileLock, Timeout

    target = path.resolve()
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout, poll_interval=0.01)
    except Timeout:
        raise UnavailableError(
            f"{path} is in use by another process for {timeout:g} s; stop it or try again.",
            data={"file": str(path)},
        ) from None
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be locked: {error.strerror or error}; allow writing in its folder.",
            data={"file": str(path), "errno": error.errno},
        ) from error
    try:
        _sweep(target)
        yield
    finally:
        lock.release()


def _sweep(target: Path) -> None:
    """Remove spare files. Who holds the lock is the only writer, so theirs has died."""
    start = f".{target.name}."
    for entry in target.parent.iterdir():
        if entry.name.startswith(start) and entry.suffix == ".tmp":
            with suppress(OSError):  # somebody else's; it does no harm
                entry.unlink()


def make_private(path: Path) -> bool:
    """Take everybody else's access to `path` away. True when it had to; a missing file is fine.

    Raises UnavailableError when the file belongs to somebody else.
    """
    if os.name != "posix":  # elsewhere the user's folder is private by its access list
        return False
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & 0o077:
            return False
        path.chmod(mode & 0o600)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UnavailableError(
            f"{path} is open to other users and that cannot be changed: {error.strerror}; "
            f"run: chmod 600 '{path}'",
            data={"file": str(path), "errno": error.errno},
        ) from error
    return True
