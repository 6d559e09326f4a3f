"""The cache of the Hugging Face hub: a folder for each repository, in it snapshots of revisions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from breeze.models.elsewhere.found import Found, Piece, Place
from breeze.models.elsewhere.gguf_files import split
from breeze.models.recognised import recognise
from breeze.models.selection import is_pickled

_REPOSITORY = re.compile(r"models--([\w.-]+?)(?:--([\w.-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_FILES = 10_000


def _folders(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """As the hub's own library decides it."""
    for name, below in (
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
    ):
        if given := environ.get(name):
            return (Path(given).expanduser() / below,)
    return (home / ".cache/huggingface/hub",)


def _find(folder: Path) -> Iterator[Found]:
    for repository in sorted(folder.glob("models--*")):
        name = _REPOSITORY.fullmatch(repository.name)
        if name and (snapshot := _snapshot(repository)) is not None:
            yield from _models("/".join(filter(None, name.groups())), snapshot, repository)


def _snapshot(repository: Path) -> Path | None:
    """The revision `main`, else the one that was fetched last."""
    main = repository / "refs/main"
    if main.is_file() and _COMMIT.fullmatch(commit := _text(main)):
        wanted = repository / "snapshots" / commit
        if wanted.is_dir():
            return wanted
    found = [p for p in (repository / "snapshots").glob("*") if p.is_dir()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _text(path: Path) -> str:
    """The beginning of a file; empty when it may not be read."""
    try:
        with path.open(errors="replace") as file:
            return file.read(100).strip()
    except OSError:
        return ""


def _models(name: str, snapshot: Path, repository: Path) -> Iterator[Found]:
    source = f"hf:{name}@{snapshot.name}"
    pieces = list(_pieces(snapshot, repository))
    if models := list(split(pieces)):
        for model, files in models:
            yield Found(name if len(models) == 1 else f"{name}:{model}", source, files)
        return
    others = [p for p in pieces if not p.name.endswith((".gguf", ".md"))]
    if recognise({piece.name: piece.path for piece in others}):
        yield Found(name, source, tuple(others))
    else:
        yield Found(name, source, problem=_problem(pieces))


def _problem(pieces: list[Piece]) -> str:
    if not pieces:
        return "has no file on this disk"
    if any(piece.name.endswith(".gguf") for piece in pieces):
        return "has no complete GGUF file"
    if any(is_pickled(piece.name) for piece in pieces):
        return "is pickled, which runs code when it is read"
    return "no runner serves its files"


def _pieces(snapshot: Path, repository: Path) -> Iterator[Piece]:
    """The files of a snapshot. A link out of the repository is none of its files."""
    root = repository.resolve()
    for index, path in enumerate(sorted(snapshot.rglob("*"))):
        if index == _MOST_FILES:
            return
        real = path.resolve()
        if real.is_file() and real.is_relative_to(root):
            digest = real.name if _SHA256.fullmatch(real.name) else ""
            yield Piece.at(real, path.relative_to(snapshot).as_posix(), digest)


PLACE = Place("the hub's cache", _folders, _find)
