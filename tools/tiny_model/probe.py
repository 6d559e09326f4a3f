"""One question of the evaluation and the answers that count as right."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tiny_model.dialogue import Dialogue
from tiny_model.speech import Style

WRITTEN, SPOKEN = Style("written"), Style("spoken")
SEED = 777


@dataclass(frozen=True)
class Probe:
    """Messages to send and the answers that are right."""

    messages: Dialogue
    right: tuple[str, ...]


def ask(question: str, *right: str, style: Style = WRITTEN) -> Probe:
    """A single question."""
    return Probe([("user", style.render(question, Random(0), frame=False, typos=False))], right)


def last(turns: Dialogue) -> Probe:
    """A dialogue whose last answer is wanted."""
    return Probe(turns[:-1], (turns[-1][1],))
