"""What the parameters of several voices have in common."""

from __future__ import annotations

from typing import Any

from breeze.contracts.fields import integer


def chunk_length(category: str = "Sound") -> Any:
    """Sound in one event."""
    return integer(
        100,
        "Sound in one event",
        low=20,
        high=1000,
        step=10,
        unit="ms",
        title="Chunk length",
        category=category,
        per_request=True,
    )


def bit_rate(category: str = "Sound") -> Any:
    """Size of encoded sound."""
    return integer(
        64,
        "Size of mp3, opus and aac",
        low=16,
        high=128,
        step=8,
        unit="kbit/s",
        category=category,
        per_request=True,
    )
