"""How long the model trains, on how long dialogues, and how fast it learns at each step."""

from __future__ import annotations

from dataclasses import dataclass

WARM_UP, HOLD = 30, 0.35
"""Steps until the full rate, and the share of a round after which it sinks."""


@dataclass(frozen=True)
class Round:
    """Steps that end at a rate of zero: how many, the highest rate, the longest dialogue."""

    steps: int
    top: float
    longest: int


ROUNDS = (Round(2700, 1.0, 320), Round(600, 0.4, 900))
"""Short dialogues teach the most per second; the second round adds long chats and contexts."""


def place(step: int, rounds: tuple[Round, ...]) -> tuple[Round, int]:
    """The round that `step` belongs to, and the number of the step in it."""
    for each in rounds:
        if step < each.steps:
            return each, step
        step -= each.steps
    raise ValueError(f"no round has step {step}")


def rate(step: int, steps: int) -> float:
    """Share of a round's rate: a short rise, a plateau, then straight down to zero."""
    return min(1.0, (step + 1) / WARM_UP, (1 - step / steps) / (1 - HOLD))
