"""What limits the pictures of a request, the same for all local runners that look at them."""

from __future__ import annotations

from typing import Any

from breeze.contracts.fields import Choice, choice, integer


def most_images() -> Any:
    """How many."""
    return integer(8, "Pictures in one request", low=1, high=64, category="Limits")


def most_bytes() -> Any:
    """How large each may be."""
    return integer(
        20_000_000,
        "Size of one encoded picture",
        low=1_000,
        high=200_000_000,
        unit="bytes",
        category="Limits",
    )


def most_pixels() -> Any:
    """How large each may become."""
    return integer(
        25_000_000,
        "Pixels of one picture, checked before it is decoded",
        low=1,
        high=80_000_000,
        unit="pixels",
        category="Limits",
    )


def fetching() -> Any:
    """Whether they may come from elsewhere."""
    return choice(
        "public",
        [
            Choice("off", "Never", "Pictures must come as bytes"),
            Choice("public", "From public addresses", "On the usual ports, over HTTP or HTTPS"),
            Choice("any", "From everywhere", "Also from this machine and the network around it"),
        ],
        "Whether pictures are fetched that a request names by URL",
        category="Limits",
    )
