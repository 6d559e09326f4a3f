"""What a GGUF file says of the model in it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from breeze.contracts.gguf import read_header

_NO_POOLING, _RANK = 0, 4


class Facts(NamedTuple):
    """`context` in tokens; `embeds`: it makes vectors, and no text."""

    context: int = 0
    embeds: bool = False
    description: str = ""
    licence: str = ""


def facts(path: Path) -> Facts:
    """What the header says. Raises InputError for a file that is not sound."""
    header = read_header(path)
    kind = header.text("general.architecture")
    return Facts(
        header.number(f"{kind}.context_length"),
        header.number(f"{kind}.pooling_type") not in (_NO_POOLING, _RANK),
        header.text("general.description") or header.text("general.name"),
        header.text("general.license"),
    )
