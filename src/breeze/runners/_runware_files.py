"""Where pictures are kept: named after what was asked for, whole or not there at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

_STEM = re.compile(r"[^a-z0-9]+")
_PART = re.compile(r"\.(?P<pid>[0-9]+)-[0-9a-f]{16}\.part")
_OLD = 86_400.0
"""Seconds after which a part is nobody's, where it cannot be seen whether its process lives."""


def slug(text: str, longest: int = 48) -> str:
    """`text` as part of a file name: lower case letters, digits and `-`."""
    return _STEM.sub("-", text.lower())[:longest].strip("-") or "picture"


class Shelf:
    """A folder of pictures. None keeps none: they pass through a folder of the system's."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @contextmanager
    def part(self) -> Iterator[Path]:
        """A new file to write to. It is gone after the block unless it was put in its place."""
        folder = self.folder or Path(tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f".{os.getpid()}-{token_hex(8)}.part"
        path.touch(mode=0o600, exist_ok=False)
        try:
            yield path
        finally:
            with suppress(OSError):  # it is in its place
                path.unlink()

    def put(self, part: Path, digest: str, model: str, ending: str) -> Path:
        """Make a part a picture: `{digest}_{model}_{time}.{ending}`, in one step."""
        assert self.folder is not None
        moment = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        path = self.folder / f"{digest}_{slug(model)}_{moment}.{ending}"
        part.chmod(0o644)
        part.replace(path)
        return path

    def find(self, digest: str, model: str) -> Path | None:
        """The newest picture that was made for the same wish."""
        if self.folder is None:
            return None
        found = sorted(self.folder.glob(f"{digest}_{slug(model)}_*"))
        return found[-1] if found else None

    def sweep(self) -> None:
        """Remove what killed processes have left half written."""
        if self.folder is None or not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if (found := _PART.fullmatch(path.name)) and _abandoned(path, int(found["pid"])):
                with suppress(OSError):  # another process was quicker
                    path.unlink()


def _abandoned(path: Path, pid: int) -> bool:
    if os.name == "posix":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # it lives, and is somebody else's
            return False
    with suppress(OSError):
        return datetime.now().timestamp() - path.stat().st_mtime > _OLD
    return False
