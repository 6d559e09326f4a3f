"""What a runner tells of a model."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.capability import Capability


class ModelInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model that a runner can serve. `context` in tokens, `size` in bytes; 0 is unknown."""

    id: str
    capabilities: tuple[Capability, ...] = ()
    description: str = ""
    context: int = 0
    size: int = 0
    languages: tuple[str, ...] = ()
    licence: str = ""
    metadata: dict[str, Any] = {}
