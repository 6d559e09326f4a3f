"""What a detector answers."""

from __future__ import annotations

from typing import NamedTuple


class Seen(NamedTuple):
    """Whether it is there, the evidence, and the command that would help when it is not."""

    present: bool
    evidence: str
    fix: str = ""
