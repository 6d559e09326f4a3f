"""How far sound has come in its text, told by the characters that it came with."""

from __future__ import annotations

import re
import unicodedata

from breeze.runners._elevenlabs_format import Sound
from breeze.runners._elevenlabs_words import Alignment

_TAG = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
"""What tells how to speak, and is not spoken: `<break time="1s"/>`, `[laughs]`."""
_BEGUN_TAG = re.compile(r"[<\[][^<>\[\]]*\Z")
_FASTEST = 100.0
"""Letters a second: several times what anybody speaks."""
_SLACK = 0.5
"""Seconds by which times and sound may differ."""


def _letters(text: str) -> str:
    """The letters and digits that are spoken. All else may be written in another way."""
    plain = unicodedata.normalize("NFKC", _TAG.sub(" ", text)).casefold()
    return "".join(filter(str.isalnum, plain))


class Reach:
    """Told of all sound in its order, `short` and `verified` judge it at the end.

    What nobody can tell is not short: characters that are not those of the text, as where numbers
    were written out, and sound that came without any and is long enough for what is left.
    """

    def __init__(self, text: str, sound: Sound) -> None:
        self._text = _letters(text)
        self._bits, self._exact = sound.bits, sound.is_exact
        self._said: list[str] = []
        self._room = 4 * len(text) + 1000  # characters without end are not kept
        self._size = self._untimed = 0
        self._latest = 0.0

    def timed(self, size: int, found: Alignment) -> None:
        """`size` bytes of sound came with characters."""
        said = "".join(found.characters)
        if self._room > 0:
            self._said.append(said)
            self._room -= len(said)
        # As they are told: times that begin anew with each piece are less than they could be.
        self._latest = max([self._latest, *found.character_start_times_seconds])
        self._size += size
        self._untimed = 0

    def untimed(self, size: int) -> None:
        """`size` bytes of sound came alone."""
        self._size += size
        self._untimed += size

    @property
    def verified(self) -> bool:
        """True when the characters came to the end of the text."""
        return bool(self._text) and _letters("".join(self._said)).startswith(self._text)

    @property
    def short(self) -> bool:
        """True when some of the text was surely not spoken."""
        if self._exact and self._size * 8 / self._bits < self._latest - _SLACK:
            return True  # the times were told before the sound
        if self.verified or not (self._said or self._untimed):
            return False
        left = self._left()
        if left is None or not self._untimed:
            return bool(left)
        return bool(self._bits) and left > _FASTEST * self._untimed * 8 / self._bits

    def _left(self) -> int | None:
        """Letters after the characters that came; None when those are others than the text's."""
        said = "".join(self._said)
        for spoken in (_letters(said), _letters(_BEGUN_TAG.sub("", said))):
            if self._text.startswith(spoken):
                return len(self._text) - len(spoken)
        return None
