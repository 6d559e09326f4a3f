"""Text to sound in pieces of some seconds, each with the words that were said in it.

The library speaks a whole text in one call, under one lock. Taking it sentence by sentence lets
several streams take turns, and a slow reader keeps nobody else waiting. A piece is cut where the
next sentence begins *in the sound*, so pauses and melody stay those of the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from unicodedata import category

from breeze.contracts.values import Word
from breeze.runners._espeak_library import END, SENTENCE, WORD, Library, Manner, Mark

WINDOW = 400
"""Characters given to the library at once."""
PIECE = 4.0
"""Seconds of sound after which a piece ends with its sentence."""

# Control characters begin commands to the library (such as loading a voice), and U+0530, U+0557
# and private characters are its own marks: in a text they are nothing to say.
_UNSPOKEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u0530\u0557\ud800-\udfff\ue000-\uf8ff"
    "\U000f0000-\U0010ffff]"
)
_SPACE = re.compile(r"\s")


class Piece(NamedTuple):
    """Some seconds of PCM, the words that begin in it, and the offset of the text after it."""

    pcm: bytes
    words: tuple[Word, ...]
    end: int


def pieces(
    library: Library, text: str, manner: Manner, stopped: Callable[[], bool]
) -> Iterator[Piece]:
    """`text` spoken, piece by piece, until it ends or `stopped()`. Times are of the whole sound."""
    spoken = _UNSPOKEN.sub(" ", text)
    start, clock = 0, 0.0
    while start < len(text):
        window = _window(spoken, start)
        take = _Take(int(PIECE * library.sample_rate), stopped)
        library.say(window, manner, take.heard, stopped)
        if stopped():
            return
        sound, length = take.cut(len(window), last=start + len(window) == len(text))
        seconds = len(sound) / 2 / library.sample_rate
        marks = [mark for mark in take.words if mark.offset < length]
        times = [clock + min(m.sample / library.sample_rate, seconds) for m in marks]
        words = _words(text, start, start + length, marks, [*times, clock + seconds])
        start, clock = start + length, clock + seconds
        yield Piece(sound, words, start)


def _window(text: str, start: int) -> str:
    """The next characters, ending between words unless a word is longer than half a window."""
    end = start + WINDOW
    if end < len(text):
        while end > start + WINDOW // 2 and not text[end - 1].isspace():
            end -= 1
        if end == start + WINDOW // 2:
            end = start + WINDOW
    return text[start:end]


class _Take:
    """What is heard of one window, until a sentence ends after `enough` samples."""

    def __init__(self, enough: int, stopped: Callable[[], bool]) -> None:
        self.words: list[Mark] = []
        self._enough, self._stopped = enough, stopped
        self._sound = bytearray()
        self._clauses: list[Mark] = []
        self._sentence: Mark | None = None

    def heard(self, sound: bytes, marks: list[Mark]) -> bool:
        self._sound += sound
        for mark in marks:
            if mark.kind == WORD:
                self.words.append(mark)
            elif mark.kind == END:
                self._clauses.append(mark)
            elif mark.kind == SENTENCE and mark.sample >= self._enough:
                self._sentence = mark
                return False
        return not self._stopped()

    def cut(self, length: int, last: bool) -> tuple[bytes, int]:
        """The sound that counts and how many characters of the window it says.

        A window that is not the `last` ends amid a clause: that one is left for the next window,
        which has all of it, unless it is all there is.
        """
        if self._sentence is not None:
            return bytes(self._sound[: self._sentence.sample * 2]), self._sentence.offset
        whole = [clause for clause in self._clauses if clause.offset + 1 < length]
        if whole and not last:
            return bytes(self._sound[: whole[-1].sample * 2]), whole[-1].offset + 1
        return bytes(self._sound), length


def _words(
    text: str, start: int, end: int, marks: list[Mark], times: list[float]
) -> tuple[Word, ...]:
    """The words of text[start:end]. `times` has one time a mark, and the end of the piece.

    The library marks each spoken word, so that "21" or an emoji has several: those that fall
    inside what the one before covered, or on a space, belong to that one.
    """
    begun: list[tuple[int, float]] = []
    covered = start
    for mark, time in zip(marks, times, strict=False):
        at = start + mark.offset
        if at < covered or at >= end or text[at].isspace():
            continue
        begun.append((at, time))
        covered = at + max(1, mark.length)
    words = []
    for i, (at, time) in enumerate(begun):
        stop, until = begun[i + 1] if i + 1 < len(begun) else (end, times[-1])
        words.append(Word(_written(text, at, stop), round(time, 3), round(until, 3), offset=at))
    return tuple(words)


def _written(text: str, at: int, stop: int) -> str:
    """The word as written at `at`: up to a space or `stop`, without punctuation after it."""
    space = _SPACE.search(text, at, stop)
    word = text[at : space.start() if space else stop]
    bare = word
    while bare and category(bare[-1]).startswith("P"):
        bare = bare[:-1]
    return bare or word
