"""Unpacking an archive: nothing of it lands elsewhere, and no more than there is room for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from breeze.contracts.errors import InputError, RunnerError
from breeze.models.archive import Archive, BadArchiveError, Member, readable
from breeze.models.paths import safe_path
from breeze.models.settings import MIB

_MOST_FILES = 10_000
_MOST_TIMES, _ALWAYS = 100, 100 * MIB
"""An archive may become so many times as large, or anything up to so many bytes."""
_BLOCK = MIB
_LEFTOVERS = (".DS_Store", "Thumbs.db", "desktop.ini")


class Unpacked(NamedTuple):
    """A file that was unpacked: its name below the folder, its bytes, its digest."""

    path: str
    size: int
    sha256: str


def unpack(
    path: Path,
    into: Path,
    *,
    room: Callable[[int, int], object] = lambda told, written: None,
    at: Callable[[int], bool] = lambda position: False,
) -> tuple[Unpacked, ...]:
    """The files of the archive `path` below `into`, which is made.

    `room(told, written)` hears how many bytes all files say to have that are known of, and how many
    are written, and raises when that is too much. `at(position)` hears how much of the archive is
    read, and returns True to stop: InterruptedError then. Links, devices, names that lead elsewhere
    or differ only in case, and archives that grow beyond measure are refused: InputError. Raises
    OSError of the disk.
    """
    try:
        with readable(), Archive(path) as archive:
            return _Unpacking(archive, into, room, at).run()
    except BadArchiveError as error:
        raise unsound(path.name, str(error)) from error


def unsound(name: str, why: str) -> RunnerError:
    """The error for an archive that is no model's."""
    return InputError(
        f"{name} is not a sound archive: {why}. Choose another source.",
        field="model",
        detail="archive",
    )


def common_folder(names: Sequence[str]) -> str:
    """The folder that all files lie in, with its slash; empty when there is none."""
    tops = {name.partition("/")[0] for name in names if "/" in name}
    return f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in names) else ""


class _Unpacking:
    def __init__(
        self,
        archive: Archive,
        into: Path,
        room: Callable[[int, int], object],
        at: Callable[[int], bool],
    ) -> None:
        self._archive = archive
        self._into = into
        self._room, self._at = room, at
        self._names: dict[str, str] = {}
        self._told = self._written = 0

    def run(self) -> tuple[Unpacked, ...]:
        self._few(self._archive.count)
        self._grown(self._archive.total)
        self._into.mkdir(parents=True)
        found = list[Unpacked]()
        for number, member in enumerate(self._archive.members()):
            self._few(number + 1)
            self._told += member.size
            self._grown(max(self._told, self._archive.total))
            if (name := _name(member.name)) is not None:
                self._claim(name)
                found.append(self._file(member, name))
        if not found:
            raise BadArchiveError("there is no file in it")
        return tuple(found)

    def _few(self, files: int) -> None:
        if files > _MOST_FILES:
            raise BadArchiveError(f"it has more than {_MOST_FILES} files")

    def _grown(self, told: int) -> None:
        if told > max(_ALWAYS, _MOST_TIMES * self._archive.size):
            raise BadArchiveError(f"it would become {told} bytes from {self._archive.size}")
        self._room(told, self._written)

    def _claim(self, name: PurePosixPath) -> None:
        """Each name is used once, and written in one way only."""
        folders = [f"{folder}/" for folder in name.parents]
        if str(name).lower() in self._names or any(
            self._names.setdefault(folder[:-1].lower(), folder) != folder for folder in folders
        ):
            raise BadArchiveError(f"{str(name)[:120]!r} is there twice, or in another case")
        self._names[str(name).lower()] = str(name)

    def _file(self, member: Member, name: PurePosixPath) -> Unpacked:
        target = self._into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, left = hashlib.sha256(), member.size
        with target.open("xb") as file:
            while left:
                block = member.data.read(min(left, _BLOCK))
                if not block:
                    raise BadArchiveError(f"{str(name)[:120]!r} ends too early")
                file.write(block)
                digest.update(block)
                left -= len(block)
                self._written += len(block)
                if self._at(self._archive.at):
                    raise InterruptedError
            if member.size:
                file.flush()
                os.fsync(file.fileno())
        return Unpacked(str(name), member.size, digest.hexdigest())


def _name(name: str) -> PurePosixPath | None:
    """Where a file belongs; None for what a desktop left there."""
    while name.startswith("./"):
        name = name[2:]
    last = name.rpartition("/")[2]
    if name.startswith("__MACOSX/") or last in _LEFTOVERS or last.startswith("._"):
        return None
    return safe_path(name, "model")
