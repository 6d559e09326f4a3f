"""What a caller may ask of the runware runner beside the fields of a request, and its forms."""

from __future__ import annotations

import re

from pydantic import field_validator

from breeze.contracts.fields import Choice, choice, integer, number, switch, text
from breeze.contracts.parameters import Parameters

MODEL = re.compile(r"[a-z0-9-]+:[A-Za-z0-9._-]+@[A-Za-z0-9._-]+|[a-z0-9][a-z0-9._-]*")
SIZE = re.compile(r"([0-9]{1,5})[xX]([0-9]{1,5})")
SIDES = (128, 2048, 64)
"""Least, most and step of a side in pixels, unless a model says otherwise."""


class Wishes(Parameters):
    """What a request may set."""

    any_size: bool = switch(
        False,
        "Send any size, for models that take others than 128 to 2048 in steps of 64",
        category="Pictures",
        per_request=True,
    )
    scheduler: str = text(
        "", "Scheduler by its name; empty is the model's own", category="Pictures", per_request=True
    )
    output_quality: int = integer(
        95, "Quality of JPEG and WebP", category="Pictures", low=20, high=99, per_request=True
    )
    safety: str = choice(
        "none",
        [
            Choice("none", "Off"),
            Choice("fast", "Fast", "A quick look at what was made"),
            Choice("full", "Full", "A thorough look"),
        ],
        "Check for content that is not safe for work; what is flagged counts as refused",
        category="Pictures",
        per_request=True,
    )
    task: str = choice(
        "draw",
        [
            Choice("draw", "Draw", "A picture for each prompt; from `image`, where one is given"),
            Choice("upscale", "Upscale", "`image` larger; the prompt only names it"),
            Choice(
                "remove_background",
                "Remove background",
                "`image` without its background; the prompt only names it",
            ),
        ],
        "What to do",
        category="Tasks",
        per_request=True,
    )
    image: str = text(
        "",
        "Picture to start from: a data URI, a URL, or the id of an earlier result",
        category="Tasks",
        per_request=True,
    )
    strength: float = number(
        0.8,
        "How far to go from `image` when drawing: 0 keeps it, 1 forgets it",
        category="Tasks",
        low=0,
        high=1,
        step=0.05,
        per_request=True,
    )
    upscale_factor: int = integer(
        2, "How many times larger", category="Tasks", low=2, high=4, per_request=True
    )
    upscale_model: str = text(
        "runware:501@1", "Model that upscales", category="Tasks", per_request=True
    )
    background_model: str = text(
        "runware:109@1", "Model that removes backgrounds", category="Tasks", per_request=True
    )
    caption_model: str = text(
        "runware:152@1", "Model that describes pictures", category="Tasks", per_request=True
    )

    @field_validator("upscale_model", "background_model", "caption_model", mode="after")
    @classmethod
    def _model(cls, value: str) -> str:
        if not MODEL.fullmatch(value):
            raise ValueError(wrong_model(value))
        return value


def wrong_size(size: str) -> str:
    """What is wrong with a size, empty when nothing is."""
    found = SIZE.fullmatch(size)
    if found is None:
        return f"{size!r} is no size: write WIDTHxHEIGHT, such as 512x512"
    least, most, step = SIDES
    if all(least <= int(side) <= most and not int(side) % step for side in found.groups()):
        return ""
    return f"{size!r}: each side must be {least} to {most} pixels and a multiple of {step}"


def wrong_model(model: str) -> str:
    """What to say of a name that no model can have."""
    return (
        f"{model!r} is no model: write source:id@version, such as runware:100@1, or its short name"
    )
