"""What the stand-in has on its disk and in its memory: models, and until when they stay."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
CHAT, VECTORS = "parrot:latest", "vectors:latest"
START = datetime(2026, 11, 21, tzinfo=UTC)
_USUAL = 300.0
"""Seconds for which a model stays loaded unless told otherwise."""
_FOR_EVER = 10.0 * 365 * 86_400
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


@dataclass(frozen=True)
class Model:
    """One model on the disk."""

    name: str
    abilities: tuple[str, ...]
    context: int = 4096

    @property
    def details(self) -> Json:
        return {
            "parent_model": "", "format": "gguf", "family": "parrot", "families": ["parrot"],
            "parameter_size": "1.5B", "quantization_level": "Q4_K_M",
        }  # fmt: skip

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()

    def able(self, ability: str) -> bool:
        return ability in self.abilities


class Store:
    """The models, and those of them that are loaded: `now` is moved by hand."""

    def __init__(self, abilities: tuple[str, ...]) -> None:
        self.abilities = abilities
        self.models = {
            CHAT: Model(CHAT, abilities),
            VECTORS: Model(VECTORS, ("embedding",), context=512),
        }
        self.loaded: dict[str, float] = {}
        """Name -> when it is dropped, in seconds from the start."""
        self.now = 0.0

    def find(self, name: str) -> Model | None:
        """The model of that name, `latest` without a tag. One that plays a fault can do all."""
        full = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        if name.startswith("standin-"):
            return Model(name, (*self.abilities, "embedding"))
        return self.models.get(full)

    def add(self, name: str) -> None:
        """It was fetched."""
        full = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        self.models[full] = Model(full, self.abilities)

    def keep(self, model: Model, keep_alive: Any) -> bool:
        """Load it, or drop it when it is to be kept for no time. True when it was loaded before.

        Raises ValueError for what is no duration.
        """
        known = self.is_loaded(model)
        seconds = _USUAL if keep_alive is None else _seconds(keep_alive)
        if seconds == 0:
            self.loaded.pop(model.name, None)
        else:
            self.loaded[model.name] = self.now + (_FOR_EVER if seconds < 0 else seconds)
        return known

    def is_loaded(self, model: Model) -> bool:
        return self.loaded.get(model.name, -1.0) > self.now

    def running(self) -> list[Json]:
        """What `/api/ps` lists."""
        found = [(m, self.loaded[m.name]) for m in self.models.values() if self.is_loaded(m)]
        return [
            {"name": m.name, "model": m.name, "size": 1_000_000, "digest": m.digest,
             "details": m.details, "expires_at": moment(until), "size_vram": 0,
             "context_length": m.context}
            for m, until in found
        ]  # fmt: skip


def moment(seconds: float) -> str:
    """A time as the server writes it."""
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def _seconds(said: Any) -> float:
    """A duration in seconds, given as a number or as Go writes it."""
    if isinstance(said, int | float):
        return float(said)
    text = str(said).lstrip("+-")
    parts = _PART.findall(text)
    if text != "0" and "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"time: invalid duration {said!r}")
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return -total if str(said).startswith("-") else total
