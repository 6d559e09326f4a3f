"""Folders of models as Transformers keeps them: told by their configuration alone."""

from __future__ import annotations

from pathlib import Path

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.unreadable import UNREADABLE

_MOST_CONFIG = 4_000_000
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
"""What is loaded. Formats that can carry code are not looked at."""


class Config(msgspec.Struct):
    """What config.json tells of a model. `max_position_embeddings`: tokens of its context."""

    model_type: str = ""
    architectures: list[str] | None = None
    max_position_embeddings: int = 0

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What this runner can do with it; nothing for other kinds of models."""
        named = self.architectures or []
        causal = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in named)
        return (Capability.LLM,) if causal else ()


def opens(path: Path) -> Path | None:
    """The folder, when it holds such a model."""
    folder = path if path.is_dir() else path.parent
    has = (folder / "config.json").is_file() and any((folder / w).is_file() for w in _WEIGHTS)
    return folder if has and config_of(folder).capabilities else None


def config_of(folder: Path) -> Config:
    """Its configuration; an empty one when that cannot be read."""
    file = folder / "config.json"
    try:
        if file.stat().st_size > _MOST_CONFIG:
            return Config()
        return msgspec.json.decode(file.read_bytes(), type=Config)
    except (OSError, *UNREADABLE):
        return Config()
