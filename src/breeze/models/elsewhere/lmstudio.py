"""LM Studio's models: a folder for each publisher, in it one for each repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from breeze.models.elsewhere.found import Found, Piece, Place
from breeze.models.elsewhere.gguf_files import split
from breeze.models.recognised import read_object

_UNFINISHED = "downloading_"


def _folders(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Where it was told to keep them, else below its own folder of now and of earlier times."""
    roots = [home / ".lmstudio", home / ".cache/lm-studio"]
    pointer = home / ".lmstudio-home-pointer"
    if pointer.is_file():
        roots.insert(0, Path(pointer.read_text(errors="replace").strip()[:4096]))
    chosen = (read_object(root / "settings.json").get("downloadsFolder") for root in roots)
    told = [Path(folder) for folder in chosen if isinstance(folder, str) and folder]
    return tuple(dict.fromkeys((*told, *(root / "models" for root in roots))))


def _find(folder: Path) -> Iterator[Found]:
    for repository in sorted(folder.glob("*/*")):
        if repository.is_dir():
            yield from _models(repository)


def _models(repository: Path) -> Iterator[Found]:
    name = "/".join(repository.parts[-2:])
    pieces = [
        Piece.at(path)
        for path in sorted(repository.glob("*.gguf"))
        if path.is_file() and not path.name.startswith(_UNFINISHED)
    ]
    found = list(split(pieces))
    for model, files in found:
        id = name if len(found) == 1 else f"{name}:{model}"
        yield Found(id, f"lmstudio:{name}", files)
    if not found and any(repository.iterdir()):
        yield Found(name, f"lmstudio:{name}", problem="has no complete GGUF file")


PLACE = Place("LM Studio", _folders, _find)
