"""One upload while it is written."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path

import msgspec

from breeze.contracts.dialects.openai_media import mime_of
from breeze.service.router_attachments import sniff

_HEAD = 64
_MIME = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,80}")
UNKNOWN = "application/octet-stream"


class About(msgspec.Struct, frozen=True):
    """What is kept beside a file: whose and what it is, and until when (seconds of the epoch)."""

    owner: str
    mime: str
    size: int
    sha256: str
    expires: float


class Writing:
    """A file that is coming, in the folder `part`. Not for two threads at once."""

    def __init__(self, part: Path) -> None:
        """Makes the folder and the file, both readable by this user only."""
        self.size = 0
        self._part = part
        self._hash = hashlib.sha256()
        self._head = b""
        part.mkdir(mode=0o700)
        self._file = _create(part / "data")

    def write(self, data: bytes) -> None:
        """Append `data`. Raises OSError when the disk refuses."""
        if len(self._head) < _HEAD:
            self._head += data[: _HEAD - len(self._head)]
        self._hash.update(data)
        self._file.write(data)
        self._file.flush()
        self.size += len(data)

    def finish(self, folder: Path, owner: str, mime: str, expires: float) -> About:
        """Make it durable and give it its name, in one step."""
        os.fsync(self._file.fileno())
        self._file.close()
        kind = _kind(self._head, mime)
        about = About(owner, kind, self.size, self._hash.hexdigest(), expires)
        with _create(self._part / "about.json") as file:
            file.write(msgspec.json.encode(about))
            file.flush()
            os.fsync(file.fileno())
        self._part.rename(folder)
        return about

    def abandon(self) -> None:
        """Remove what was not finished."""
        with suppress(OSError):  # a full disk refuses once more
            self._file.close()
        shutil.rmtree(self._part, ignore_errors=True)


def _create(path: Path) -> BufferedWriter:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _kind(head: bytes, said: str) -> str:
    """What the first bytes show; else what was said, if it is the name of a type."""
    said = said.partition(";")[0].strip().lower()
    otherwise = said if _MIME.fullmatch(said) else UNKNOWN
    return sniff(head) or mime_of(head, otherwise)
