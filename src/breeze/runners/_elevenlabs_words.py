"""Words with their times, made of characters with theirs."""

from __future__ import annotations

from itertools import zip_longest

import msgspec

from breeze.contracts.values import Word


class Alignment(msgspec.Struct):
    """Characters of the text, and when each begins and ends in seconds."""

    characters: list[str]
    character_start_times_seconds: list[float]
    character_end_times_seconds: list[float]


class WordReader:
    """`take` gives the words that end in an alignment, `end` the last one.

    Pieces of a stream may count from the beginning of the sound or each from its own: a time that
    goes back tells the latter.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at: int | None = 0
        """Where in the text we are; None once it is not what is read aloud."""
        self._word = ""
        self._offset: int | None = None
        self._start = self._end = self._shift = self._last = 0.0

    def take(self, found: Alignment) -> list[Word]:
        """The words that end here: one that goes on is kept for the next piece."""
        words: list[Word] = []
        starts = found.character_start_times_seconds
        if starts and starts[0] + self._shift < self._last:
            self._shift = self._end
        for character, start, end in zip_longest(
            found.characters, starts, found.character_end_times_seconds, fillvalue=None
        ):
            if character is None:
                break
            begins = self._end if start is None else max(start + self._shift, 0.0)
            self._last = begins
            self._read(character, begins, begins if end is None else end + self._shift, words)
        return words

    def lose(self) -> list[Word]:
        """Sound came without times: from here on nobody knows where in the text it is.

        A word that had begun is taken from the text.
        """
        words: list[Word] = []
        if self._word and self._offset is not None:
            self._word = self._text[self._offset :].split(maxsplit=1)[0]
        self._close(words)
        self._at = None
        return words

    def end(self) -> list[Word]:
        """The word that the text ends with."""
        words: list[Word] = []
        self._close(words)
        return words

    def _read(self, character: str, start: float, end: float, words: list[Word]) -> None:
        place = self._place(character)
        if character.isspace() or not character:
            self._close(words)
            return
        if not self._word:
            self._start, self._offset = start, place
        self._word += character
        self._end = max(end, start, self._start)

    def _place(self, character: str) -> int | None:
        """Where the character stands in the text."""
        at = self._at
        if at is None or not self._text.startswith(character, at):
            self._at = None
            return None
        self._at = at + len(character)
        return at

    def _close(self, words: list[Word]) -> None:
        if self._word:
            words.append(Word(self._word, self._start, self._end, offset=self._offset))
            self._word = ""
