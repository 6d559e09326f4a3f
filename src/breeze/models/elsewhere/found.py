"""A model that another program keeps on this disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from breeze.contracts.model_files import FileType
from breeze.models.recognised import file_type


class Piece(NamedTuple):
    """A file: its name in the model's folder here, where it lies, and its digest when known."""

    name: str
    path: Path
    type: FileType
    sha256: str = ""

    @classmethod
    def at(cls, path: Path, name: str = "", sha256: str = "") -> Piece:
        """The file at `path` under its own name, of the type that the name tells."""
        name = name or path.name
        return cls(name, path, file_type(name), sha256)


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model: `id` is what its own program calls it, `problem` why it is of no use here."""

    id: str
    source: str
    pieces: tuple[Piece, ...] = ()
    description: str = ""
    licence: str = ""
    metadata: dict[str, Any] = {}
    problem: str = ""


class Place(NamedTuple):
    """A program that keeps models: its `title` for a person, the folders where it does by default,
    and what one of those holds.
    """

    title: str
    folders: Callable[[Mapping[str, str], Path], tuple[Path, ...]]
    find: Callable[[Path], Iterator[Found]]
