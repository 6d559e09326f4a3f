"""A JSON body as a strict type: the first thing wrong is named by its path."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec

from breeze.contracts.errors import InputError

T = TypeVar("T", bound=msgspec.Struct)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_SHOWN = 60
"""Characters of an unknown name that an error repeats."""


def read_strict(body: Any, kind: type[T], *, text: bool = False) -> T:
    """`body` checked and turned into `kind`. Raises InputError with the path of the wrong field.

    `text`: numbers and switches come as text, as the fields of a form do.
    """
    try:
        return msgspec.convert(body, kind, strict=not text)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        path = where.strip("`").lstrip(".")
        if (unknown := _UNKNOWN.fullmatch(what)) is not None:
            raise _unknown(unknown[1], path, kind) from error
        if (missing := _MISSING.fullmatch(what)) is not None:
            path = f"{path}.{missing[1]}" if path else missing[1]
            raise InputError(f"{path} is needed.", field=path) from error
        raise InputError(f"{path or 'The body'}: {what}.", field=path) from error


def _unknown(name: str, path: str, kind: type[msgspec.Struct]) -> InputError:
    known = () if path else kind.__struct_fields__
    near = get_close_matches(name[:_SHOWN], known, n=1, cutoff=0.6)
    shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
    path = f"{path}.{shown}" if path else shown
    hint = f"did you mean {near[0]!r}?" if near else "leave it out."
    return InputError(f"{path} is not known here: {hint}", field=path)
