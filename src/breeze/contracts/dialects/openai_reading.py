"""Errors and adjustments about a request, told in the words of the one who sent it."""

from __future__ import annotations

import msgspec

from breeze.contracts.answers import Adjustment
from breeze.contracts.errors import RunnerError


def renamed(error: RunnerError, names: dict[str, str]) -> RunnerError:
    """`error`, its field and the start of its message in the caller's words.

    `names`: the beginnings of our paths to theirs; `texts[3]` becomes `input[3]`.
    """
    theirs = _translated(error.field, names)
    if error.field and error.message.startswith(error.field):
        error.message = theirs + error.message[len(error.field) :]
    error.field = theirs
    return error


def in_their_words(
    adjustments: tuple[Adjustment, ...], names: dict[str, str]
) -> tuple[Adjustment, ...]:
    """The same adjustments with the fields' names in the caller's words."""
    return tuple(
        msgspec.structs.replace(one, field=_translated(one.field, names)) for one in adjustments
    )


def _translated(path: str, names: dict[str, str]) -> str:
    for ours in sorted(names, key=len, reverse=True):
        rest = path.removeprefix(ours)
        if path.startswith(ours) and rest[:1] in ("", ".", "["):
            return names[ours] + rest
    return path
