"""Grammars: what may be said, as JSGF, checked before the decoder sees it."""

from __future__ import annotations

import re
from collections.abc import Callable

_SEPARATOR = re.compile(r"[|\n]")
_WORD = re.compile(r"[\w'.-]+")
_NO_WORDS = re.compile(
    r"/\*.*?\*/|//[^\n]*|^\s*#JSGF[^;]*;|\bgrammar\s[^;]*;|\bimport\s[^;]*;"
    r"|\bpublic\b|<[^>]*>|\{[^}]*\}|/[^/]*/",
    re.DOTALL | re.MULTILINE,
)


def phrases_in(text: str) -> list[str]:
    """The phrases of a text, one a line or with | between, in lower case."""
    return [phrase.lower() for part in _SEPARATOR.split(text) if (phrase := part.strip())]


def of_phrases(phrases: str, knows: Callable[[str], bool]) -> str:
    """JSGF that allows the phrases of a text. Raises ValueError for words that nobody knows."""
    lines = [_WORD.findall(phrase) for phrase in phrases_in(phrases)]
    _all_known([word for line in lines for word in line], knows)
    if not all(lines):
        raise ValueError("a phrase has no words: leave it out")
    body = " | ".join(" ".join(line) for line in lines)
    return f"#JSGF V1.0; grammar phrases; public <phrase> = {body};"


def checked(grammar: str, knows: Callable[[str], bool]) -> None:
    """Raises ValueError if a JSGF grammar has no public rule, or words that nobody can say."""
    if "#JSGF" not in grammar or "public" not in grammar:
        raise ValueError("begin with '#JSGF V1.0;' and make a rule public")
    _all_known(_WORD.findall(_NO_WORDS.sub(" ", grammar)), knows)


def _all_known(words: list[str], knows: Callable[[str], bool]) -> None:
    unknown = sorted({word for word in words if not knows(word)})
    if unknown:
        raise ValueError(
            f"not in the dictionary: {', '.join(unknown[:10])} "
            "(spell numbers out, and use words that it has)"
        )
