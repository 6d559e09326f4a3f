"""One entry of OpenAI's list of models, with our facts in an object of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from breeze.contracts.capability import Capability

_MODALITIES: dict[Capability, tuple[tuple[str, ...], str]] = {
    Capability.LLM: (("text",), "text"),
    Capability.VLM: (("text", "image"), "text"),
    Capability.ASR: (("audio",), "text"),
    Capability.TTS: (("text",), "audio"),
    Capability.GUARDIAN: (("text",), "text"),
    Capability.IMAGE: (("text",), "image"),
    Capability.EMBEDDING: (("text",), "embeddings"),
}
"""What each kind of work takes and makes."""


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Ours about a name that a request may use as its model. `reason`: why it is not available."""

    capabilities: tuple[Capability, ...]
    runner: str = ""
    instance: str = ""
    kind: str = ""
    mock: bool = False
    available: bool = True
    reason: str = ""
    description: str = ""


def model_json(
    id: str, facts: ModelFacts, *, owner: str, created: int = 0, context: int = 0
) -> dict[str, Any]:
    """The entry. `created` in Unix time, 0 when nobody knows; `context` in tokens likewise."""
    takes = (name for c in facts.capabilities for name in _MODALITIES[c][0])
    found: dict[str, Any] = {
        "id": id,
        "object": "model",
        "created": created,
        "owned_by": owner,
        "architecture": {
            "input_modalities": _distinct(takes),
            "output_modalities": _distinct(_MODALITIES[c][1] for c in facts.capabilities),
        },
        "breeze": facts,
    }
    if context:
        found |= {"max_model_len": context, "context_length": context}
    return found


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
