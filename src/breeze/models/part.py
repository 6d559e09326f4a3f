"""A file that is on its way: the bytes that came so far, and of what they are.

The bytes are written in order, so that their number says all. They outlive a kill of the process;
a journal beside them says which version of which file they are the beginning of.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import msgspec

from breeze.contracts.unreadable import UNREADABLE
from breeze.models.disk import sync_folder, write_whole


class Journal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the bytes are from. `etag` as it was sent; `total` 0 is unknown."""

    url: str = ""
    etag: str = ""
    total: int = 0

    @property
    def strong(self) -> str:
        """The ETag if it vouches for every byte."""
        return self.etag if self.etag.startswith('"') else ""


class Part:
    """The beginning of the file `path` of a model, under the folder of its pull."""

    def __init__(self, folder: Path, path: str) -> None:
        name = sha256(path.encode()).hexdigest()[:40]
        self.path = folder / "parts" / f"{name}.part"
        self._journal_path = self.path.with_suffix(".journal")
        self.target = folder / "files" / path
        self._journal: Journal | None = None

    @property
    def have(self) -> int:
        """How many bytes are here."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def journal(self) -> Journal:
        """What the bytes are of; an empty one when nobody knows."""
        if self._journal is None:
            try:
                data = self._journal_path.read_bytes()
                self._journal = msgspec.json.decode(data, type=Journal)
            except (OSError, *UNREADABLE):
                self._journal = Journal()
        return self._journal

    def note(self, journal: Journal) -> None:
        """Write down of what the bytes to come are, before the first of them."""
        if journal != self.journal or not self._journal_path.exists():
            write_whole(self._journal_path, msgspec.json.encode(journal))
            self._journal = journal

    def append(self, data: bytes) -> None:
        """Add bytes at the end. Raises OSError; what was written before it stays."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]

    def restart(self) -> None:
        """Throw the bytes away."""
        self.path.unlink(missing_ok=True)
        self._journal_path.unlink(missing_ok=True)
        self._journal = None

    def finish(self) -> None:
        """All bytes are here and right: put the file among those of the model."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():  # a file of no bytes
            self.append(b"")
            self.path.touch()
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(self.target)
        sync_folder(self.target.parent)
        self._journal_path.unlink(missing_ok=True)
        self._journal = None
