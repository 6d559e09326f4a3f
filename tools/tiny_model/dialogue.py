"""A dialogue: roles and texts, and made-up words to copy."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from random import Random

from tiny_model.facts import words
from tiny_model.speech import Style

Message = tuple[str, str]
"""Role (system, user, assistant, tool) and content."""
Dialogue = list[Message]
Skill = Callable[[Random, Style], Dialogue]
"""Makes the turns of one topic."""

ONSETS, VOWELS = words("words", "onsets"), words("words", "vowels")
CODAS = tuple(coda.strip("-") for coda in words("words", "codas"))


def turn(question: str, answer: str) -> Dialogue:
    """One question with its answer."""
    return [("user", question), ("assistant", answer)]


def is_held_out(word: str) -> bool:
    """Whether a made-up word is kept for evaluation; one in eight is."""
    return zlib.crc32(word.lower().encode()) % 8 == 0


def coin(rng: Random, held_out: bool = False) -> str:
    """A made-up word of two or three syllables, at least five letters long."""
    while True:
        parts = (
            rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
            for _ in range(rng.choice((2, 2, 3)))
        )
        word = "".join(parts)
        if len(word) >= 5 and is_held_out(word) == held_out:
            return word


def code(rng: Random) -> str:
    """A number or a short code such as `B42`."""
    digits = "".join(rng.choice("0123456789") for _ in range(rng.choice((1, 2, 2, 3, 4, 4, 5))))
    return rng.choice(("", "", "", rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ"))) + digits
