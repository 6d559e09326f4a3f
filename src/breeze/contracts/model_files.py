"""Models as files: what a catalogue says of one, and what of them lies on this disk.

A model is a folder under `models/` of the home, named after its id, with its files and a
`model.json` that was written last: a folder without one is no model yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.unreadable import UNREADABLE

MANIFEST = "model.json"
FileType = Literal["model", "tokenizer", "config", "embedding", "weights", "dla", "projector"]


class ModelFile(msgspec.Struct, frozen=True, omit_defaults=True, rename={"file_name": "fileName"}):
    """A file of a model, or each file of its source that fits `pattern`.

    `urls` are tried in order. `size` in bytes and `sha256` in hex are checked where they are given.
    """

    file_name: str = ""
    type: FileType = "model"
    urls: tuple[str, ...] = ()
    group: str = ""
    pattern: str = ""
    size: int = 0
    sha256: str = ""


class EntryPoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the runner opens: a file or folder within the model's folder, or a name elsewhere."""

    type: Literal["file", "yaml", "whisper", "api"] = "file"
    value: str = ""


class ModelDefinition(msgspec.Struct, frozen=True, omit_defaults=True, rename={"ram_gb": "ramGB"}):
    """A model as a catalogue describes it (the seeds' fullModelList.json).

    `runner` serves it; `backend` is the seeds' `cpu`, `mtk` or `api`. `source` is where it came
    from, such as `hf:org/name@revision`; `links`: its files are those of another program.
    """

    id: str
    runner: str = ""
    backend: str = "cpu"
    ram_gb: float = 0.0
    files: tuple[ModelFile, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    entry_point: EntryPoint = EntryPoint()
    description: str = ""
    licence: str = ""
    context: int = 0
    source: str = ""
    links: bool = False
    metadata: dict[str, Any] = {}


class Installed(NamedTuple):
    """A model on this disk that is complete."""

    definition: ModelDefinition
    folder: Path

    @property
    def id(self) -> str:
        return self.definition.id

    @property
    def entry(self) -> Path:
        """What the runner opens; the folder where the entry point names nothing in it."""
        point = self.definition.entry_point
        return self.folder / point.value if point.type != "api" and point.value else self.folder


def folder_name(id: str) -> str:
    """The name of a model's folder: its id, with all quoted that means something in a path."""
    name = quote(id, safe="@+ ")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def installed(root: Path, runner: str = "") -> tuple[Installed, ...]:
    """The models under `root` by id, those of `runner` only when one is named.

    A manifest that cannot be read, or that names another folder's model, is passed over.
    """
    found = sorted(_found(root), key=lambda model: model.id)
    return tuple(m for m in found if not runner or m.definition.runner == runner)


def _found(root: Path) -> Iterator[Installed]:
    for manifest in root.glob(f"*/{MANIFEST}"):
        try:
            definition = msgspec.json.decode(manifest.read_bytes(), type=ModelDefinition)
        except (OSError, *UNREADABLE):
            continue
        if folder_name(definition.id) == manifest.parent.name:
            yield Installed(definition, manifest.parent)
