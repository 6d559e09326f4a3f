"""A projector file: what turns pictures into what a chat model reads."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.errors import InputError
from breeze.runners._gguf import read_header
from breeze.runners._gguf_header import Header

_SIDES = {"image_size": 16_384, "patch_size": 1024, "embedding_length": 2**20, "block_count": 512}
"""Numbers that must be there, at least 1, and the most that they may be."""


def check_projector(path: Path) -> Header:
    """The header of a projector that sees. Raises InputError.

    Numbers on which llama.cpp would end the whole process are refused here.
    """
    header = read_header(path)
    if header.text("general.architecture") != "clip":
        raise InputError(f"{path.name} is no projector: choose another.", field="projector_path")
    if header.metadata.get("clip.has_vision_encoder") is not True:
        raise InputError(
            f"{path.name} is a projector for sound only: choose one for pictures.",
            field="projector_path",
        )
    for name, most in _SIDES.items():
        if not 1 <= header.number(f"clip.vision.{name}") <= most:
            found = header.metadata.get(f"clip.vision.{name}")
            raise InputError(
                f"{path.name}: clip.vision.{name} is {found!r}.", field="projector_path"
            )
    return header
