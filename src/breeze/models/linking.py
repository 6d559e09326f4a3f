"""Models of other programs taken up without copying: their files get a second name here."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError, RunnerError, UnavailableError
from breeze.contracts.model_files import Installed, ModelDefinition, ModelFile
from breeze.models.elsewhere.found import Found, Piece
from breeze.models.gguf_facts import Facts, facts
from breeze.models.paths import safe_path
from breeze.models.publish import publish, staging
from breeze.models.recognised import recognise


def definition(found: Found) -> ModelDefinition:
    """What the catalogue would say of it, told by its files. Raises InputError: why it cannot be.

    Headers are read, nothing is loaded.
    """
    if found.problem:
        raise InputError(f"{found.id} {found.problem}.", field="model")
    for piece in found.pieces:
        safe_path(piece.name)
    known = recognise({piece.name: piece.path for piece in found.pieces})
    if known is None:
        raise InputError(f"{found.id}: no runner serves its files.", field="model")
    told = _facts(found)
    able = known.capabilities
    if told.embeds:
        able = (Capability.EMBEDDING,)
    return ModelDefinition(
        found.id,
        known.runner,
        files=tuple(_file(piece) for piece in found.pieces),
        capabilities=able,
        entry_point=known.entry_point,
        description=found.description or told.description,
        licence=found.licence or told.licence,
        context=told.context,
        source=found.source,
        links=True,
        metadata=found.metadata,
    )


def link(found: Found, root: Path) -> Installed:
    """`found` as a model under `root`. Not one byte is copied, and what was there stays.

    Hard links, so that it stays when the other program forgets it; where those are not possible
    (another disk, another owner) symbolic links. Raises InputError and UnavailableError.
    """
    made = definition(found)
    staged = staging(root, found.id)
    try:
        for piece in found.pieces:
            _link(piece.path.resolve(), staged / safe_path(piece.name))
        return publish(root, staged, made)
    except OSError as error:
        raise UnavailableError(
            f"{found.id} cannot be linked: {error.strerror or error}. Allow writing in {root}, "
            "or point the runner's model_path at the file."
        ) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)  # after success it has another name
        with suppress(OSError):  # a pull of the same model keeps its things there
            staged.parent.rmdir()


def _link(target: Path, name: Path) -> None:
    name.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(target, name)
    except OSError:  # another disk, or a file of somebody else
        name.symlink_to(target)


def _file(piece: Piece) -> ModelFile:
    return ModelFile(piece.name, piece.type, size=piece.path.stat().st_size, sha256=piece.sha256)


def _facts(found: Found) -> Facts:
    """What the header of its first GGUF file says; nothing when it has none."""
    models = (p for p in found.pieces if p.type == "model" and p.name.endswith(".gguf"))
    first = min(models, default=None)
    if first is None:
        return Facts()
    try:
        return facts(first.path)
    except RunnerError as error:
        raise InputError(f"{found.id}: {error.message}", field="model") from error
