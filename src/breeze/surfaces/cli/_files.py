"""Where a command's work goes: a name that is free or was given, and a file that is whole."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path

import click

_SAME = {"jpg": "jpeg"}


class FileOf:
    """A file to be written in one step at the end. Refuses a folder that is not there at once."""

    def __init__(self, path: Path) -> None:
        if not path.parent.is_dir():
            raise click.UsageError(f"There is no folder {path.parent}: make it, or choose another.")
        if path.is_dir():
            raise click.UsageError(f"{path} is a folder: name a file in it.")
        self.path = path

    def write(self, data: bytes) -> None:
        """Replace the file: whoever looks finds the old or the new one, never a part."""
        from breeze.config.files import write_atomically

        write_atomically(self.path, data)


def free_name(name: str) -> Path:
    """`name` here, or `name-2` and so on: nothing is overwritten that nobody named."""
    first = Path(name)
    others = (first.with_stem(f"{first.stem}-{number}") for number in count(2))
    return next(path for path in chain((first,), others) if not path.exists())


def format_of(name: str | None, known: Sequence[str]) -> str:
    """The format that a file's ending asks for; the first of `known` where it asks for none."""
    ending = Path(name or "").suffix.lower().removeprefix(".")
    if not ending:
        return known[0]
    form = _SAME.get(ending, ending)
    if form not in known:
        raise click.UsageError(f"{name}: its ending must be one of {', '.join(known)}.")
    return form
