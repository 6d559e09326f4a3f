"""Keeping order among the files: is it whole, is it used, what may go."""

from __future__ import annotations

import time
from typing import NamedTuple

from filelock import FileLock, Timeout

from breeze.contracts.model_files import Installed
from breeze.models.disk import digests, size_of
from breeze.models.paths import Places
from breeze.models.pull import forget, load_state

_STAGING = 3600.0
"""Seconds that a folder may be without a pull, as an import's is while it is made."""


class Verified(NamedTuple):
    """Names of a model's files: as they should be, damaged or missing, without a known digest."""

    id: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    unknown: tuple[str, ...]


class Collected(NamedTuple):
    """What was cleared away: bytes, and the ids or names that they belonged to."""

    bytes: int
    what: tuple[str, ...]


def verified(model: Installed) -> Verified:
    """Compare the files of a model with the digests that they had."""
    good, bad, unknown = list[str](), list[str](), list[str]()
    for file in model.definition.files:
        path = model.folder / file.file_name
        if not path.is_file() or (file.size and path.stat().st_size != file.size):
            bad.append(file.file_name)
        elif not file.sha256:
            unknown.append(file.file_name)
        else:
            same = digests(path).sha256 == file.sha256
            (good if same else bad).append(file.file_name)
    return Verified(model.id, tuple(good), tuple(bad), tuple(unknown))


def collected(places: Places, older_than: float) -> Collected:
    """Clear away what rests since `older_than` seconds. What lies beside the models is no concern
    of the store: somebody may have put it there."""
    freed, what, until = 0, [], time.time() - older_than
    for folder in sorted(places.pulls.glob("*")):
        state = load_state(folder)
        if state is not None and is_busy(places, state.id):
            continue
        limit = until if state is not None else until - _STAGING
        if folder.stat().st_mtime <= limit:
            freed += size_of(folder)
            what.append(state.id if state else folder.name)
            forget(folder)
    freed += size_of(places.trash)
    forget(places.trash)
    return Collected(freed, tuple(what))


def is_busy(places: Places, id: str) -> bool:
    """Whether a process works on this model."""
    path = places.lock(id)
    if not path.exists():
        return False
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
