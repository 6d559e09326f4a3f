"""Finding listed words and phrases in linear time.

All entries of a kind become one pattern that shares their beginnings, so the cost does not grow
with the length of the lists, and what matched is looked up by its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from breeze.runners._rules_hits import Hit
from breeze.runners._rules_lists import Entry
from breeze.runners._rules_text import View, folded, joined, plain_letters

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_START = r"(?<![^\W_])"
_GAP = r"[\W_]{1,3}"
_END = r"(?!\d*[^\W\d_])"
_MORE = r"[^\W\d_]{0,24}+"
_SHORTEST_JOINED = 4


class Phrases:
    """A set of phrases that finds its members. `apart`: only as whole words."""

    def __init__(self, phrases: Iterable[tuple[str, bool]], *, apart: bool) -> None:
        """`phrases`: folded text, and whether more letters may follow."""
        tree: dict[str, Any] = {}
        for text, stem in phrases:
            node = tree
            for character in text:
                node = node.setdefault(character, {})
            node["stem" if stem else "end"] = True
        found = _pattern(tree, apart) if tree else r"(?!)"
        self._pattern = re.compile(f"{_START}{found}" if apart else found)

    def find(self, text: str) -> Iterator[re.Match[str]]:
        """Every match, longest first at each place, none overlapping another."""
        return self._pattern.finditer(text)


def _pattern(node: dict[str, Any], apart: bool) -> str:
    ways = [
        (_GAP if character == " " else re.escape(character)) + _pattern(child, apart)
        for character, child in node.items()
        if len(character) == 1
    ]
    if "stem" in node:
        ways.append(_MORE)
    elif "end" in node:
        ways.append(_END if apart else "")
    return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"


class Lexicon:
    """All entries, and the three ways in which they are looked for."""

    def __init__(self, entries: Iterable[Entry], allowed: Iterable[str] = ()) -> None:
        whole: list[tuple[str, bool]] = []
        free: list[tuple[str, bool]] = []
        close: list[tuple[str, bool]] = []
        self._words: dict[str, list[Entry]] = {}
        self._stems: dict[str, list[Entry]] = {}
        for entry in entries:
            known = self._stems if entry.stem else self._words
            _add(known.setdefault(entry.text, []), entry)
            (free if _CJK.search(entry.text) else whole).append((entry.text, entry.stem))
            packed = entry.text.replace(" ", "")
            if packed != entry.text:
                _add(self._words.setdefault(packed, []), entry)
            if len(packed) >= _SHORTEST_JOINED:
                close.append((packed, entry.stem))
        self._whole = Phrases(whole, apart=True)
        self._free = Phrases(free, apart=False)
        self._close = Phrases(close + free, apart=False)
        self._allowed = Phrases(((text, False) for text in allowed), apart=True)

    def plain(self, text: str) -> Iterator[Hit]:
        """Words written as they are listed, whatever their case and accents."""
        view = folded(text)
        yield from self._hits(self._whole, view)
        if not text.isascii():
            yield from self._hits(self._free, view)

    def disguised(self, text: str) -> Iterator[Hit]:
        """Words behind stand-in characters, repeated letters or spaced letters."""
        view = folded(text)
        for reading in plain_letters(view):
            for hit in self._hits(self._whole, reading):
                if _has_letters(text[hit.start : hit.end]):
                    yield hit
        for reading in joined(view):
            yield from self._hits(self._close, reading)

    def allowed(self, text: str) -> list[tuple[int, int]]:
        """The spans of the phrases that are always fine."""
        view = folded(text)
        return [view.span(*found.span()) for found in self._allowed.find(view.text)]

    def _hits(self, phrases: Phrases, view: View) -> Iterator[Hit]:
        for found in phrases.find(view.text):
            start, end = view.span(*found.span())
            for entry in self._entries(found[0]):
                yield Hit(start, end, entry.category, entry.rule, entry.high)

    def _entries(self, matched: str) -> list[Entry]:
        text = " ".join(re.split(r"[\W_]+", matched)) if matched not in self._words else matched
        if text in self._words:
            return self._words[text]
        ends = range(len(text), 0, -1)
        return next((self._stems[text[:i]] for i in ends if text[:i] in self._stems), [])


def _add(entries: list[Entry], entry: Entry) -> None:
    """Keep one entry a category, the graver one."""
    same = next((i for i, known in enumerate(entries) if known.category == entry.category), None)
    if same is None:
        entries.append(entry)
    elif entry.high and not entries[same].high:
        entries[same] = entry


def _has_letters(original: str) -> bool:
    """Whether enough of a disguised word is letters; a number that looks like a word is not."""
    letters = sum(character.isascii() and character.isalpha() for character in original)
    return 3 * letters >= len(original)
