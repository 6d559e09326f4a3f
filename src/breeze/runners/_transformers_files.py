"""Folders of models as Transformers keeps them: told by their configuration alone."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.unreadable import UNREADABLE

_MOST_CONFIG = 4_000_000
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
"""What is loaded. Formats that can carry code are not looked at."""


class Kind(Enum):
    """What a model makes of what, by which it is loaded."""

    TEXT = auto()
    PICTURES = auto()
    SOUND_TO_TEXT = auto()
    SOUND_TO_LETTERS = auto()
    WAVES = auto()
    SPECTRA = auto()

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What it can be asked for."""
        return _ABLE[self]


_ABLE = {
    Kind.TEXT: (Capability.LLM,),
    Kind.PICTURES: (Capability.LLM, Capability.VLM),
    Kind.SOUND_TO_TEXT: (Capability.ASR,),
    Kind.SOUND_TO_LETTERS: (Capability.ASR,),
    Kind.WAVES: (Capability.TTS,),
    Kind.SPECTRA: (Capability.TTS,),
}
_BY_NAME = {
    "WhisperForConditionalGeneration": Kind.SOUND_TO_TEXT,
    "MoonshineForConditionalGeneration": Kind.SOUND_TO_TEXT,
    "VitsModel": Kind.WAVES,
    "SpeechT5ForTextToSpeech": Kind.SPECTRA,
}
_BY_ENDING = {
    "ForCTC": Kind.SOUND_TO_LETTERS,
    "ForCausalLM": Kind.TEXT,
    "LMHeadModel": Kind.TEXT,
}


class Inner(msgspec.Struct):
    """The part of a configuration that is about text."""

    max_position_embeddings: int = 0


class Config(msgspec.Struct):
    """What config.json tells of a model. `max_position_embeddings`: tokens of its context."""

    model_type: str = ""
    architectures: list[str] | None = None
    max_position_embeddings: int = 0
    text_config: Inner | None = None
    vision_config: dict[str, Any] | None = None

    @property
    def kind(self) -> Kind | None:
        """What the model does; None for other kinds than this runner serves."""
        return next((kind for name in self.architectures or [] if (kind := self._of(name))), None)

    def _of(self, name: str) -> Kind | None:
        if name in _BY_NAME:
            return _BY_NAME[name]
        if self.vision_config is not None and name.endswith("ForConditionalGeneration"):
            return Kind.PICTURES
        return next((kind for end, kind in _BY_ENDING.items() if name.endswith(end)), None)

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What this runner can do with it; nothing for other kinds of models."""
        return self.kind.capabilities if self.kind is not None else ()

    @property
    def context(self) -> int:
        """Tokens of its context; 0 where it has none, or does not say."""
        inner = self.text_config.max_position_embeddings if self.text_config else 0
        return self.max_position_embeddings or inner


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
