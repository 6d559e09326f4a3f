"""Views of a text that undo disguises, each able to tell where a character came from.

`folded`: small letters without accents, compatibility forms, zero-width characters removed.
`exact`: the same, but case and accents stay (for keys and numbers).
`plain_letters`: digits, symbols and look-alike letters that stand for Latin letters (l33t).
`joined`: letters written apart (s p a c e d), put together again.
All work on a piece of text in linear time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_CACHE = 8192
_INVISIBLE = {0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0}  # letters and signs that show nothing


class View:
    """A changed text. `offsets[i]` is where character `i` stood; None when nothing moved."""

    __slots__ = ("offsets", "text")

    def __init__(self, text: str, offsets: Sequence[int] | None = None) -> None:
        self.text = text
        self.offsets = offsets

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The code points of the original that `text[start:end]` (not empty) came from."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.offsets[end - 1] + 1


class _Folding(dict[int, str]):
    """A translation table that fills itself, within bounds."""

    def __init__(self, *, keep_case: bool) -> None:
        super().__init__()
        self.keep_case = keep_case

    def __missing__(self, code: int) -> str:
        if len(self) >= _CACHE:
            self.clear()
        made = self[code] = self._fold(chr(code))
        return made

    def _fold(self, char: str) -> str:
        if ord(char) in _INVISIBLE or unicodedata.category(char) == "Cf":
            return ""
        if self.keep_case:
            return unicodedata.normalize("NFKC", char)
        small = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
        kept = (c for c in small if unicodedata.category(c) not in ("Mn", "Me", "Cf"))
        return "".join(kept).replace("_", " ")


_FOLDED = _Folding(keep_case=False)
_EXACT = _Folding(keep_case=True)


def folded(text: str) -> View:
    """Small letters without accents; `_` counts as a space."""
    if text.isascii():
        return View(text.lower().replace("_", " "))
    return _translated(text, _FOLDED)


def exact(text: str) -> View:
    """Compatibility forms without zero-width characters; case and accents stay."""
    return View(text) if text.isascii() else _translated(text, _EXACT)


def _translated(text: str, table: _Folding) -> View:
    changed = text.translate(table)
    if len(changed) == len(text) and all(len(table[ord(c)]) == 1 for c in set(text)):
        return View(changed)
    return View(changed, [i for i, c in enumerate(text) for _ in table[ord(c)]])


_LATIN = {
    **dict.fromkeys(map(ord, "\u0430\u03b1"), "a"),
    **dict.fromkeys(map(ord, "\u0435\u03b5"), "e"),
    **dict.fromkeys(map(ord, "\u043e\u03bf"), "o"),
    **dict.fromkeys(map(ord, "\u0440\u03c1"), "p"),
    **dict.fromkeys(map(ord, "\u0456\u03b9"), "i"),
    **dict.fromkeys(map(ord, "\u043a\u03ba"), "k"),
    **dict.fromkeys(map(ord, "\u0442\u03c4"), "t"),
    **dict.fromkeys(map(ord, "\u0445\u03c7"), "x"),
    **{0x441: "c", 0x443: "y", 0x455: "s", 0x458: "j", 0x43C: "m", 0x43D: "h", 0x501: "d"},
}
"""Cyrillic and Greek small letters that look like Latin ones."""
_SYMBOLS = {ord("@"): "a", ord("$"): "s", ord("!"): "i", ord("|"): "l", ord("+"): "t"}
_DIGITS = dict(zip(map(ord, "0345789"), "oeastbg", strict=True)) | {ord("6"): "b"}
_AS_I, _AS_L = ({**_LATIN, **_DIGITS, ord("1"): one} for one in "il")
_SYMBOL = re.compile(r"[@$!|+](?=[@$!|+]{0,3}\w)")
_DISGUISE = re.compile(r"[^\W\d_][0-9@$!|+]|[0-9@$!|+][^\W\d_]|(\w)\1\1|[\u0370-\u0501]")
_REPEAT = re.compile(r"(\w)\1{2,}")
_APART = re.compile(
    r"(?<![^\W_])[^\W\d_](?:[ .\-*|~]{1,2}[^\W\d_]){2,400}(?![^\W_])"
    r"|[\u4e00-\u9fff]{1,40}(?:[ .\-*|~\u00b7]{1,3}[\u4e00-\u9fff]{1,40}){1,400}+"
)
_SEPARATOR = re.compile(r"[ .\-*|~\u00b7]+")


def plain_letters(view: View) -> list[View]:
    """Readings of a folded text in which stand-ins count as Latin letters; none if it has none.

    The first takes 1 for i and a repeated letter for one, the second 1 for l and it for two.
    """
    if not _DISGUISE.search(view.text):
        return []
    letters = _SYMBOL.sub(lambda found: _SYMBOLS[ord(found[0])], view.text)
    return [
        _without_repeats(View(letters.translate(table), view.offsets), keep)
        for table, keep in ((_AS_I, 1), (_AS_L, 2))
    ]


def _without_repeats(view: View, keep: int) -> View:
    """Three or more of a letter in a row become `keep`."""
    return _without(view, [(m.start() + keep, m.end()) for m in _REPEAT.finditer(view.text)])


def _without(view: View, holes: list[tuple[int, int]]) -> View:
    if not holes:
        return view
    offsets = view.offsets if view.offsets is not None else range(len(view.text))
    pieces: list[str] = []
    kept: list[int] = []
    at = 0
    for start, end in (*holes, (len(view.text),) * 2):
        pieces.append(view.text[at:start])
        kept.extend(offsets[at:start])
        at = end
    return View("".join(pieces), kept)


def joined(view: View) -> list[View]:
    """Each run of letters of a folded text that stand apart, as one word."""
    return [_close_up(view, run.start(), run.end()) for run in _APART.finditer(view.text)]


def _close_up(view: View, start: int, end: int) -> View:
    offsets = view.offsets if view.offsets is not None else range(len(view.text))
    run = View(view.text[start:end], offsets[start:end])
    return _without(run, [m.span() for m in _SEPARATOR.finditer(run.text)])
