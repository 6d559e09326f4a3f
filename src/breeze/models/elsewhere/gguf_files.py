"""GGUF files of one folder as models: parts belong together, and a projector to each model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import PurePosixPath

from breeze.models.elsewhere.found import Piece
from breeze.models.recognised import PROJECTOR

_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")


def split(pieces: Iterable[Piece]) -> Iterator[tuple[str, tuple[Piece, ...]]]:
    """Each model's name with its files. A repository may offer one model in many sizes.

    Models in parts of which one is missing are left out.
    """
    files = sorted(p for p in pieces if p.name.endswith(".gguf"))
    projectors = [p for p in files if fnmatch(p.name.lower(), PROJECTOR)]
    models: dict[str, list[Piece]] = {}
    for piece in files:
        if piece not in projectors:
            models.setdefault(_whole(piece), []).append(piece)
    for name, parts in models.items():
        if len(parts) == _count(parts[0]):
            yield name, (*parts, *_beside(parts[0], projectors)[:1])


def _whole(piece: Piece) -> str:
    """The name of the model that a file is, or is a part of."""
    part = _PART.fullmatch(piece.name)
    return part[1] if part else piece.name.removesuffix(".gguf")


def _count(piece: Piece) -> int:
    part = _PART.fullmatch(piece.name)
    return int(part[3]) if part else 1


def _beside(piece: Piece, projectors: list[Piece]) -> list[Piece]:
    folder = PurePosixPath(piece.name).parent
    return [p for p in projectors if PurePosixPath(p.name).parent == folder]
