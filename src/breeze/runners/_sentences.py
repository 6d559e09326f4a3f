"""A text in the pieces in which it is spoken: sentences, and parts of very long ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 300
"""Characters of a piece: what is longer is cut at a space, so that sound comes soon."""
_END = re.compile(
    "[.!?\u2026]+[\"'\u201d\u2019)\\]]*(?=\\s|$)|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d]?|\n+"
)
# Control characters begin commands to some voices, and U+0530, U+0557 and private characters are
# marks of others: in a text they are nothing to say.
_UNSPOKEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u0530\u0557\ud800-\udfff\ue000-\uf8ff"
    "\U000f0000-\U0010ffff]"
)


class Sentence(NamedTuple):
    """A piece of plain text, its number from 0, and where in the whole text it ends."""

    text: str
    number: int
    end: int


def sentences(text: str) -> Iterator[Sentence]:
    """The pieces of `text` that hold something to say, in order."""
    number = start = 0
    while start < len(text):
        end = _end(text, start)
        piece = " ".join(_UNSPOKEN.sub(" ", text[start:end]).split())
        if any(map(str.isalnum, piece)):
            yield Sentence(piece, number, end)
            number += 1
        start = end


def _end(text: str, start: int) -> int:
    """Where the piece that begins at `start` ends."""
    latest = start + LONGEST
    found = _END.search(text, start, latest)
    if found is not None:
        return found.end()
    if len(text) <= latest:
        return len(text)
    space = text.rfind(" ", start + 1, latest)
    return space if space > start else latest
