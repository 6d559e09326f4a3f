"""Models that other programs keep on this disk: one file per program, found by its name."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from breeze.contracts.errors import NotFoundError, UnavailableError
from breeze.contracts.parameters import unknown_name
from breeze.models.elsewhere.found import Found, Place

_PARTS = {"found", "gguf_files"}


def programs() -> tuple[str, ...]:
    """The programs whose models can be found, as a person types them."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.replace("_", "-") for name in names if name not in _PARTS))


def place(program: str) -> Place:
    """Where a program keeps its models. Raises NotFoundError."""
    if program not in programs():
        known = dict.fromkeys(programs())
        raise NotFoundError(f"No such program: {unknown_name(program, known)}.", field="program")
    found: Place = import_module(f"{__name__}.{program.replace('-', '_')}").PLACE
    return found


def find(program: str, environ: Mapping[str, str], folder: Path | None = None) -> Iterator[Found]:
    """The models of a program, by id, in its usual folders or in `folder`.

    Raises NotFoundError, and UnavailableError for a folder that may not be read.
    """
    asked = place(program)
    folders = (folder,) if folder else asked.folders(environ, Path.home())
    try:
        models = {model.id: model for at in reversed(folders) for model in asked.find(at)}
    except OSError as error:
        raise UnavailableError(
            f"{error.filename or asked.title} cannot be read: {error.strerror or error}. Allow "
            "reading it, or name another folder with --from."
        ) from error
    yield from sorted(models.values(), key=lambda model: model.id)
