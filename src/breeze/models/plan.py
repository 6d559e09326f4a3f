"""What a pull is going to fetch. Written down first, so that the next process fetches the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from breeze.contracts.errors import InputError
from breeze.contracts.model_files import FileType, ModelDefinition
from breeze.contracts.unreadable import UNREADABLE
from breeze.models.disk import write_whole
from breeze.models.part import Part
from breeze.models.paths import safe_path

_NAME = "plan.json"


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file to fetch. `size` 0 is unknown; `blob` is its git object id, `sha256` its digest.
    `unpack`: it is an archive, of which only the files are wanted.
    """

    path: str
    urls: tuple[str, ...]
    size: int = 0
    sha256: str = ""
    blob: str = ""
    type: FileType = "model"
    unpack: bool = False

    @property
    def digest(self) -> tuple[str, str] | None:
        """What tells it from other versions; None when nothing does."""
        return (self.sha256, self.blob) if self.sha256 or self.blob else None


class Plan(msgspec.Struct, omit_defaults=True):
    """A model and its files; `checked` has the digests of those that are here and right."""

    reference: str
    definition: ModelDefinition
    files: tuple[Wanted, ...]
    allow_pickle: bool = False
    checked: dict[str, str] = {}

    @property
    def total(self) -> int:
        """Bytes of all files, as far as they are known."""
        return sum(file.size for file in self.files)

    def take_over(self, old: Plan | None, folder: Path) -> None:
        """Keep of an earlier pull in `folder` what is the same here, and throw the rest away."""
        if old is None:
            for name in ("files", "parts"):
                shutil.rmtree(folder / name, ignore_errors=True)
            return
        wanted = {file.path: file for file in self.files}
        for file in old.files:
            now = wanted.get(file.path)
            if now is not None and file.digest and now.digest == file.digest:
                self.checked |= {p: d for p, d in old.checked.items() if p == file.path}
            else:
                part = Part(folder, file.path)
                part.restart()
                part.target.unlink(missing_ok=True)

    def save(self, folder: Path) -> None:
        """Write it into the folder of its pull."""
        write_whole(folder / _NAME, msgspec.json.encode(self))


def load_plan(folder: Path) -> Plan | None:
    """The plan of an earlier pull; None when there is none that can be read."""
    try:
        plan = msgspec.json.decode((folder / _NAME).read_bytes(), type=Plan)
        for file in plan.files:
            safe_path(file.path)
    except (OSError, InputError, *UNREADABLE):
        return None
    return plan
