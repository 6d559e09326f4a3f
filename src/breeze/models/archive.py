"""An archive's files, one after the other, whatever it claims of itself.

What is read while nothing is unpacked (names, attributes) is bounded, so that a small archive
cannot fill the memory; of each file no more comes than it said.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self, TypeAlias

from breeze.contracts.errors import InputError
from breeze.models.settings import MIB

_Readable: TypeAlias = IO[bytes] | gzip.GzipFile | bz2.BZ2File
_PACKED = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2")
_ELSEWISE = (".tar.xz", ".txz", ".tar.zst", ".7z", ".rar")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_MOST_TOLD = 16 * MIB
"""Bytes of names and attributes: enough for the files that an archive may have."""
_END, _LONG_END, _TAIL = b"PK\x05\x06", b"PK\x06\x06", 22 + 65_535
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, IndexError,
    NotImplementedError, RuntimeError, RecursionError, OverflowError,
)  # fmt: skip


class BadArchiveError(Exception):
    """What is wrong with an archive, for a person."""


class Member(NamedTuple):
    """A file: its name as it stands there, the bytes that it says it has, and where they come."""

    name: str
    size: int
    data: IO[bytes]


def is_archive(name: str) -> bool:
    """True for the name of a file that is unpacked here."""
    return name.lower().endswith(_PACKED)


def without_ending(name: str) -> str:
    """The name of a file without what tells its form: `a` of `a.tar.bz2` and of `a.gguf`."""
    ending = next((e for e in (*_PACKED, *_ELSEWISE) if name.lower().endswith(e)), "")
    return (name[: -len(ending)] if ending else name.rpartition(".")[0]) or name


def check_form(name: str) -> None:
    """Raises InputError for an archive of a form that is not unpacked here."""
    if name.lower().endswith(_ELSEWISE):
        raise InputError(
            f"{name[:120]} is an archive of a form that is not unpacked here. Name one that ends "
            f"with {', '.join(_PACKED)}, or unpack it and set the runner's model_path.",
            field="model",
        )


class readable:  # reads as a word of the language
    """What the readers raise for an archive that is not sound becomes BadArchiveError."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        # bz2 and gzip give no number, and a place before the beginning is no valid argument
        told = isinstance(error, OSError) and error.errno in (None, errno.EINVAL)
        if isinstance(error, _BROKEN) or (told and not isinstance(error, InterruptedError)):
            raise BadArchiveError(f"it cannot be read ({error})") from error


class Archive:
    """Open with `with`, inside of `readable`. `size`: its own bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._exits = ExitStack()
        self._raw: IO[bytes]
        self._zip: zipfile.ZipFile | None = None
        self.size = path.stat().st_size

    def __enter__(self) -> Self:
        with self._exits:
            self._raw = self._exits.enter_context(self._path.open("rb"))
            if self._path.name.lower().endswith(".zip"):
                _check_directory(self._raw, self.size)
                self._zip = self._exits.enter_context(zipfile.ZipFile(self._raw))
            self._exits = self._exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exits.close()

    @property
    def at(self) -> int:
        """How many of its own bytes are read."""
        return self._raw.tell()

    @property
    def total(self) -> int:
        """Bytes of all files together; 0 where only reading would tell."""
        return sum(info.file_size for info in self._zip.infolist()) if self._zip else 0

    @property
    def count(self) -> int:
        """How many files it has; 0 where only reading would tell."""
        return len(self._zip.infolist()) if self._zip else 0

    def members(self) -> Iterator[Member]:
        """Its files; each is read before the next is asked for."""
        yield from self._of_zip(self._zip) if self._zip else self._of_tar()

    def _of_zip(self, archive: zipfile.ZipFile) -> Iterator[Member]:
        for info in archive.infolist():
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise BadArchiveError(f"{info.filename[:120]!r} is a link or a device")
            if info.is_dir():
                continue
            if info.flag_bits & 1 or info.compress_type not in _METHODS:
                raise BadArchiveError(f"{info.filename[:120]!r} is encrypted or oddly packed")
            with archive.open(info) as data:
                yield Member(info.filename, info.file_size, data)

    def _of_tar(self) -> Iterator[Member]:
        plain = _plain(self._raw, self._path.name)
        self._exits.enter_context(plain)
        bounded = _Bounded(plain)
        archive = tarfile.TarFile(fileobj=bounded)  # type: ignore[arg-type]  # it only reads
        for member in archive:
            if member.isdir():
                continue
            if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
                raise BadArchiveError(f"{member.name[:120]!r} is a link or a device")
            if (data := archive.extractfile(member)) is not None:
                bounded.left += member.size
                yield Member(member.name, member.size, data)


def _plain(raw: IO[bytes], name: str) -> _Readable:
    if name.lower().endswith((".gz", ".tgz")):
        return gzip.GzipFile(fileobj=raw)
    return bz2.BZ2File(raw) if name.lower().endswith("bz2") else raw


class _Bounded:
    """What tarfile reads from. `left`: bytes that may still be read."""

    def __init__(self, file: _Readable) -> None:
        self._file = file
        self.left = _MOST_TOLD

    def read(self, count: int = -1) -> bytes:
        if not 0 <= count <= self.left:
            raise BadArchiveError("it says more of its files than a model has to say")
        data = self._file.read(count)
        self.left -= len(data)
        return data

    def seek(self, position: int) -> int:
        ahead = position - self._file.tell()
        while ahead > 0 and (skipped := len(self.read(min(ahead, MIB)))):
            ahead -= skipped
        return self._file.tell() if ahead >= 0 else self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()


def _check_directory(file: IO[bytes], size: int) -> None:
    """A zip's list of files is read at once: it must be of a size that a model may have."""
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    found = tail.rfind(_END)
    if found < 0 or len(tail) < found + 22:
        raise BadArchiveError("its list of files is missing")
    told = int.from_bytes(tail[found + 12 : found + 16], "little")
    if told == 0xFFFFFFFF or _LONG_END in tail[:found]:
        long = tail.rfind(_LONG_END, 0, found)
        told = int.from_bytes(tail[long + 40 : long + 48], "little") if long >= 0 else size
    if told > _MOST_TOLD:
        raise BadArchiveError("it says more of its files than a model has to say")
    file.seek(0, os.SEEK_SET)
