"""What a pull is going to fetch. Written down first, so that the next process fetches the same."""

from __future__ import annotations

from pathlib import Path

import msgspec

from breeze.contracts.model_files import FileType, ModelDefinition
from breeze.contracts.unreadable import UNREADABLE
from breeze.models.disk import write_whole

_NAME = "plan.json"


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file to fetch. `size` 0 is unknown; `blob` is its git object id, `sha256` its digest."""

    path: str
    urls: tuple[str, ...]
    size: int = 0
    sha256: str = ""
    blob: str = ""
    type: FileType = "model"


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

    def save(self, folder: Path) -> None:
        """Write it into the folder of its pull."""
        write_whole(folder / _NAME, msgspec.json.encode(self))


def load_plan(folder: Path) -> Plan | None:
    """The plan of an earlier pull; None when there is none that can be read."""
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=Plan)
    except (OSError, *UNREADABLE):
        return None
