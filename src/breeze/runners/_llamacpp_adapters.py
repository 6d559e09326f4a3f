"""LoRA adapters: which files an operator names, and whether each is one for the model."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from breeze.contracts.errors import InputError
from breeze.contracts.gguf import read_header


class Adapter(NamedTuple):
    """A LoRA adapter and its strength; 1 is that which it was trained with."""

    path: Path
    scale: float


def adapters_of(text: str) -> tuple[Adapter, ...]:
    """The adapters that lines such as `FILE=0.5` name. Raises ValueError."""
    return tuple(_adapter(line.strip()) for line in text.splitlines() if line.strip())


def _adapter(line: str) -> Adapter:
    name, equals, scale = line.rpartition("=")
    path = Path(name.strip() if equals else line)
    if path.suffix.lower() != ".gguf":
        raise ValueError(f"{line}: must be a .gguf file, with =STRENGTH after it or nothing")
    try:
        found = float(scale) if equals else 1.0
    except ValueError:
        found = -1.0
    if not 0 <= found <= 10:
        raise ValueError(f"{line}: the strength must be a number from 0 to 10")
    return Adapter(path, found)


def checked(adapters: tuple[Adapter, ...], architecture: str) -> tuple[Adapter, ...]:
    """The same, each a sound file made for `architecture`. Raises InputError."""
    for path, _ in adapters:
        header = read_header(path)
        if header.text("adapter.type") != "lora":
            raise InputError(f"{path.name} is no LoRA adapter: take it out.", field="adapters")
        if (made_for := header.text("general.architecture")) != architecture:
            raise InputError(
                f"{path.name} adapts {made_for} models, and this one is {architecture}: choose "
                "another adapter or model.",
                field="adapters",
            )
    return adapters
