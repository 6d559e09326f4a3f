"""Questions about an item: frames round its terms, or its own questions, sometimes reworded."""

from __future__ import annotations

import re
from random import Random

from tiny_model.facts import Item, phrases, synonyms

FRAMES = phrases("frames", "frames", "|")
SYNONYMS = synonyms()


def asked_about(term: str, rng: Random, extra: tuple[str, ...] = ()) -> str:
    """A question about `term` in one of the frames."""
    text = rng.choice(FRAMES + extra).format(t=term)
    if (
        term.endswith("s")
        and term[-2] != "s"
        and "is " + term in text
        and not term.startswith(("a ", "the "))
    ):
        text = text.replace("what is " + term, "what are " + term)
    return text


def reworded(text: str, rng: Random) -> str:
    """`text` with one or two of its words said otherwise."""
    found = [old for old in SYNONYMS if re.search(rf"\b{old}\b", text)]
    for old in rng.sample(found, min(len(found), rng.choice((1, 1, 2)))):
        text = re.sub(rf"\b{old}\b", rng.choice(SYNONYMS[old]), text, count=1)
    return text


def item_question(item: Item, rng: Random, extra: tuple[str, ...] = ()) -> str:
    """A trained question for `item`."""
    if item.terms and (not item.questions or rng.random() < 0.6):
        return asked_about(rng.choice(item.terms), rng, extra)
    text = rng.choice(item.questions)
    return reworded(text, rng) if rng.random() < 0.4 else text
