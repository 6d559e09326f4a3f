"""The guardian's word lists: files of `_rules_data`, one a category, and an operator's own lines.

A line is a word or phrase. `[en]` starts a language; `#` a comment; `!` before a line marks high
risk; `*` at its end lets any letters follow; `(a|b)` means either, `(a)?` that or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from itertools import product
from math import prod
from typing import NamedTuple

from breeze.runners._rules_hits import RISK
from breeze.runners._rules_text import folded

_MOST_READINGS = 10_000
LANGUAGES = ("en", "zh", "de", "es", "fr")
_PIECE = re.compile(r"\(([^()]*)\)(\??)|([^()]+)")


class Entry(NamedTuple):
    """One word or phrase in folded form. `stem`: any letters may follow."""

    text: str
    stem: bool
    category: str
    rule: str
    high: bool = False


def shipped(languages: tuple[str, ...]) -> Iterator[Entry]:
    """The entries of our lists in these languages."""
    folder = files("breeze.runners") / "_rules_data"
    for category in RISK:
        file = folder / f"{category.lower()}.txt"
        if file.is_file():
            yield from _read(file.read_text("utf-8"), category, languages)


def _read(text: str, category: str, languages: tuple[str, ...]) -> Iterator[Entry]:
    language, number = "", 0
    for line in text.splitlines():
        if line.startswith("["):
            language, number = line.strip("[]"), 0
        elif line and not line.startswith("#"):
            number += 1
            if language in languages:
                yield from _entries(line, category, f"{category.lower()}.{language}.{number}")


def _entries(line: str, category: str, rule: str) -> Iterator[Entry]:
    high, stem = line.startswith("!"), line.endswith("*")
    for text in _readings(line.removeprefix("!").removesuffix("*")):
        yield Entry(" ".join(folded(text).text.split()), stem, category, rule, high)


def _readings(line: str) -> Iterator[str]:
    """Every text that a line with alternatives stands for."""
    pieces = []
    for alternatives, optional, plain in _PIECE.findall(line):
        ways = [plain] if plain else alternatives.split("|")
        pieces.append([*ways, ""] if optional else ways)
    return ("".join(chosen) for chosen in product(*pieces))


def own_entries(lines: str) -> list[Entry]:
    """An operator's entries: lines (or parts between `;`) of `category: word or phrase`.

    Raises ValueError naming the first line that is not of this form.
    """
    entries: list[Entry] = []
    for number, (line, category, word) in enumerate(_own_lines(lines), 1):
        if category not in RISK:
            known = ", ".join(RISK)
            raise ValueError(f"{line!r}: write `category: word`; categories are {known}")
        if _PIECE.sub("", word) or not folded(word).text.strip():
            raise ValueError(f"{line!r}: write a word after the category, every ( with its )")
        if prod(ways.count("|") + 2 for ways, _, _ in _PIECE.findall(word)) > _MOST_READINGS:
            raise ValueError(f"{line!r}: too many alternatives; write them as several lines")
        entries.extend(_entries(word, category, f"{category.lower()}.own.{number}"))
    return entries


def _own_lines(lines: str) -> Iterator[tuple[str, str, str]]:
    for line in re.split(r"[\n;]", lines):
        if line.strip():
            category, _, word = line.partition(":")
            yield line.strip(), category.strip().upper(), word.strip()


def phrases(lines: str) -> list[str]:
    """Folded words and phrases, one a line or between `;`."""
    texts = (" ".join(folded(line).text.split()) for line in re.split(r"[\n;]", lines))
    return [text for text in texts if text]
