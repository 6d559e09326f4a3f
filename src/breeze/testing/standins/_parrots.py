"""The models of stand-ins that repeat what they were told: their names, some of them on a page."""

from __future__ import annotations

from collections.abc import Container

from breeze.testing.standins._fault import MODEL

PARROTS = {"one": 1, "many": 25}
"""How many there are in each profile."""
STRICT = "strict"
"""Begins the name of a model that is stricter than the rest."""
PAGE = 10
"""Names on a page at most, whatever is asked for."""


def parrots(profile: str) -> list[str]:
    """Their names."""
    return [f"parrot-{n + 1}" for n in range(PARROTS[profile])]


def answers(model: str, names: Container[str]) -> bool:
    """Whether a model of that name can be asked; those of faults and strict ones are not listed."""
    return model.startswith((MODEL, STRICT)) or model in names


def title(name: str) -> str:
    """What a model is called where people see it."""
    return name.replace("-", " ").title()
