"""Spam by its shape: heaps of links, a word said over and over, rows of exclamation marks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from breeze.runners._rules_hits import Hit

_LINK = re.compile(r"https?://[^\s<>\"]{1,200}+|\bwww\.[^\s<>\"]{1,200}+", re.IGNORECASE)
_LINKS, _NEAR = 5, 8
_AGAIN = re.compile(r"\b(\w{2,20})(?:\W{1,3}\1\b){7,100}+", re.IGNORECASE)
_SHOUT = re.compile(r"(?:!{5,200}+|\${4,200}+|[!$]{6,200}+)")


def find(text: str) -> Iterator[Hit]:
    """Every place that looks like spam."""
    for name, pattern in (("repeated", _AGAIN), ("shouting", _SHOUT)):
        for found in pattern.finditer(text):
            yield Hit(*found.span(), "SPAM", f"spam.{name}")
    if "://" in text or "www." in text:
        yield from _link_heaps(text)


def _link_heaps(text: str) -> Iterator[Hit]:
    """Five links or more with no words between them: one hit a heap."""
    links = [found.span() for found in _LINK.finditer(text)]
    first = 0
    for i in range(1, len(links) + 1):
        if i == len(links) or not _bare(text[links[i - 1][1] : links[i][0]]):
            if i - first >= _LINKS:
                yield Hit(links[first][0], links[i - 1][1], "SPAM", "spam.links")
            first = i


def _bare(between: str) -> bool:
    return len(between) <= _NEAR and not any(map(str.isalnum, between))
