"""Judging a text portion by portion, so that a long one neither blocks nor waits to be stopped."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from breeze.runners._rules_hits import Hit

PORTION = 32_768
"""Characters of a portion."""
_BEFORE, _AFTER = 256, 4_608
"""Characters seen around a portion: more than any match is long."""
_SPACE = 256

Check = Callable[[str], Iterator[Hit]]


class Step(NamedTuple):
    """One check of one portion: what it found, and how far the whole work is."""

    check: str
    hits: list[Hit]
    analysed: int
    done: int
    total: int


class Checks:
    """The checks to make: by name, a function from a text to its hits."""

    def __init__(
        self,
        checks: dict[str, Check],
        allowed: Callable[[str], list[tuple[int, int]]],
        categories: frozenset[str],
    ) -> None:
        self._checks = checks
        self._allowed = allowed
        self._categories = categories

    def steps(self, text: str) -> Iterator[Step]:
        """Every check of every portion, in order."""
        portions = list(_portions(text))
        done, total = 0, len(portions) * len(self._checks)
        for start, end in portions:
            first = max(0, start - _BEFORE)
            seen = text[first : end + _AFTER]
            fine = self._allowed(seen)
            for name, check in self._checks.items():
                done += 1
                hits = [hit for hit in check(seen) if self._counts(hit, fine)]
                moved = [h._replace(start=h.start + first, end=h.end + first) for h in hits]
                own = [hit for hit in moved if start <= hit.start < end]
                yield Step(name, own, end, done, total)

    def _counts(self, hit: Hit, fine: list[tuple[int, int]]) -> bool:
        """Whether its category is asked for and no allowed phrase holds it."""
        i = bisect_right(fine, (hit.start, hit.end)) if fine else 0
        around = fine[max(0, i - 1) : i + 1]
        inside = any(start <= hit.start and hit.end <= end for start, end in around)
        return hit.category in self._categories and not inside


def _portions(text: str) -> Iterator[tuple[int, int]]:
    """Neighbouring spans that cover the text, cut after a space where there is one."""
    start = 0
    while start < len(text):
        end = start + PORTION
        if end < len(text):
            cut = max(text.rfind(" ", end - _SPACE, end), text.rfind("\n", end - _SPACE, end))
            end = cut + 1 if cut > start else end
        yield start, min(end, len(text))
        start = end
