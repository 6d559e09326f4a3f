"""JSON as people write it: strict, and every refusal says in which line and column."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from breeze.config.source_text import broken, place, read_text
from breeze.contracts.errors import InputError

_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?Infinity|NaN|-?\d[\d.eE+-]*|[{}\[\],:]')
_DEPTH = 100  # far beyond any real file, far below what recursive code can take


class _Doubtful(Exception):
    """`json` would accept this, or could not say where it is; `_flaw` finds the place."""


def read_json(path: Path) -> object:
    """The value in the file. Raises FileNotFoundError, or InputError with line and column.

    Stricter than `json`: no key twice, no NaN, no number beyond a float, at most 100 levels.
    """
    return _parsed(path, read_text(path))


def _parsed(path: Path, text: str) -> object:
    # The causes are dropped: they carry the whole text, and with it secrets.
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=lambda digits: int(digits) if _finite(digits) else 0,
        )
        if text.count("[") + text.count("{") <= _DEPTH:
            return value
    except json.JSONDecodeError as error:
        raise broken(path, *place(text, error.pos), error.msg) from None
    except (_Doubtful, RecursionError):
        value = None
    if flaw := _flaw(text):
        position, what = flaw
        raise broken(path, *place(text, position), what)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Doubtful
    return made


def _refuse(_: str) -> None:
    raise _Doubtful


def _finite(digits: str) -> float:
    if math.isinf(value := float(digits)):
        raise _Doubtful
    return value


def _flaw(text: str) -> tuple[int, str] | None:
    """Position and name of the first flaw that `json` does not place; `text` is JSON till there."""
    levels: list[set[str] | None] = []  # the keys seen so far; None for a list
    before = ""
    for found in _MARK.finditer(text):
        mark = found.group()
        if mark in ("{", "["):
            levels.append(set() if mark == "{" else None)
            if len(levels) > _DEPTH:
                return found.start(), f"is nested deeper than {_DEPTH} levels"
        elif mark in ("}", "]"):
            levels.pop()
        elif why := _mark_flaw(mark, levels[-1] if levels and before in ("{", ",") else None):
            return found.start(), why
        before = mark
    return None


def _mark_flaw(mark: str, keys: set[str] | None) -> str:
    """What is wrong with one mark; `keys` are those of its object when the mark is a key."""
    if mark in (",", ":"):
        return ""
    if mark in ("NaN", "Infinity", "-Infinity"):
        return f"{mark} is not JSON"
    if mark[0] != '"':
        return "the number is too large" if math.isinf(float(mark)) else ""
    if keys is None:
        return ""
    name = json.loads(mark)
    if name in keys:
        return f"the key {name!r} is given twice"
    keys.add(name)
    return ""


def json_bytes(value: Any, field: str = "") -> bytes:
    """`value` as a file's content; a Path becomes text. Raises InputError for what has no JSON."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2, default=_plain)
        data = f"{text}\n".encode()
        if flaw := _flaw(text):
            raise ValueError(flaw[1])
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"{field or 'the value'} cannot be saved: {error}. Nothing was changed.", field=field
        ) from None
    return data


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON can say")
