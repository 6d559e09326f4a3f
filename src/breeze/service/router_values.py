"""Reads the texts in which the router contract carries numbers and switches."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][+-]?[0-9]{1,3})?")
Reader = Callable[[str], Any]
LONGEST_NAME = 256
MOST_ENTRIES = 64
"""Entries of a map that a client sends."""


def whole(text: str) -> int:
    """An integer. Raises ValueError."""
    if not _WHOLE.fullmatch(text.strip()):
        raise ValueError(f"is {text[:40]!r}, must be a whole number")
    return int(text)


def number(text: str) -> float:
    """A finite number. Raises ValueError."""
    if not _NUMBER.fullmatch(text.strip()) or not math.isfinite(value := float(text)):
        raise ValueError(f"is {text[:40]!r}, must be a number")
    return value


def switch(text: str) -> bool:
    """`true` or `false`. Raises ValueError."""
    if (word := text.strip().lower()) not in ("true", "false"):
        raise ValueError(f"is {text[:40]!r}, must be true or false")
    return word == "true"


def words(text: str) -> str:
    """A text that is not blank. Raises ValueError."""
    if not text.strip():
        raise ValueError("is blank: give a value or leave it out")
    return text


def name(text: str) -> str:
    """A name: a text that is not blank and not long. Raises ValueError."""
    if len(text) > LONGEST_NAME:
        raise ValueError(f"has {len(text)} characters, more than {LONGEST_NAME}")
    return words(text)


def one_of(*allowed: str) -> Reader:
    """A reader of one of `allowed`, whatever the case."""

    def read(text: str) -> str:
        if (word := text.strip().lower()) not in allowed:
            raise ValueError(f"is {text[:40]!r}, must be one of {', '.join(allowed)}")
        return word

    return read


def within(reader: Reader, low: float, high: float) -> Reader:
    """A reader of numbers from `low` to `high`."""

    def read(text: str) -> Any:
        if not low <= (value := reader(text)) <= high:
            raise ValueError(f"is {value}, must be between {low} and {high}")
        return value

    return read
