"""Putting a model in place, in one step, and taking one away."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

import msgspec

from breeze.contracts.model_files import MANIFEST, Installed, ModelDefinition
from breeze.models.disk import disk_error, own_bytes, sync_folder, write_whole
from breeze.models.paths import Places


def staging(root: Path, id: str) -> Path:
    """A new folder, on the disk of `root`, to put the files of a model into before `publish`."""
    folder = Places(root).pull(id) / f"staged-{uuid.uuid4().hex[:12]}"
    folder.mkdir(parents=True)
    return folder


def publish(root: Path, staged: Path, definition: ModelDefinition) -> Installed:
    """Make the files in `staged` the model of `definition`, in the place of what was there.

    The manifest is written first and the folder is named last, so that there is never half a
    model. Raises DownloadError on a full disk, UnavailableError.
    """
    places = Places(root)
    target = places.model(definition.id)
    try:
        write_whole(staged / MANIFEST, msgspec.json.format(msgspec.json.encode(definition)))
        for base, _, _ in os.walk(staged):
            sync_folder(Path(base))
        root.mkdir(parents=True, exist_ok=True)
        old = _set_aside(places, target)
        staged.replace(target)
        sync_folder(root)
    except OSError as error:
        raise disk_error(error, root) from error
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)
    return Installed(definition, target)


def take_away(places: Places, target: Path) -> int:
    """Remove a folder: it is gone from sight at once. Bytes freed. Raises UnavailableError."""
    size = own_bytes(target)
    try:
        aside = _set_aside(places, target)
    except OSError as error:
        raise disk_error(error, target) from error
    if aside is not None:
        shutil.rmtree(aside, ignore_errors=True)
    return size


def _set_aside(places: Places, target: Path) -> Path | None:
    """Move a folder into the trash, where nothing looks for models."""
    if not target.exists():
        return None
    places.trash.mkdir(parents=True, exist_ok=True)
    aside = places.trash / uuid.uuid4().hex
    target.replace(aside)
    return aside
