"""A projector file: what turns pictures into what a chat model reads."""

from __future__ import annotations

from math import prod
from pathlib import Path

from breeze.contracts.errors import InputError
from breeze.contracts.gguf import read_header
from breeze.contracts.gguf_header import Array, Header

_SIDES = {
    "image_size": 16_384,
    "patch_size": 1024,
    "embedding_length": 2**20,
    "feed_forward_length": 2**20,
    "block_count": 512,
    "attention.head_count": 1024,
}
"""Numbers that are at least 1 where they are there, and the most that they may be."""
_WIDTH, _HEADS = "clip.vision.embedding_length", "clip.vision.attention.head_count"
_EYES = ("v.patch_embd.weight", "v.conv_stem")
"""How the name of the tensor begins that takes pixels in."""
_KINDS: dict[type, tuple[int, ...]] = {
    bool: (7,), int: (4,), float: (6,), str: (8,), Array: (9,),
}  # fmt: skip
"""The format's types of the numbers, texts and lists in such a file."""
_PARTS = {
    "mlp": (
        "v.position_embd.weight", "mm.0.weight", "mm.0.bias", "mm.2.weight", "mm.2.bias",
    ),
}  # fmt: skip
"""By the type of a projector, the tensors that llama.cpp uses without asking."""
_NEEDED = ("image_size", "patch_size", "embedding_length", "block_count")


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
    _check_numbers(header, path)
    _check_tensors(header, path)
    return header


def _check_numbers(header: Header, path: Path) -> None:
    for name, most in _SIDES.items():
        key = f"clip.vision.{name}"
        if (key in header.metadata or name in _NEEDED) and not 1 <= header.number(key) <= most:
            raise _odd(path, f"{key} is {header.metadata.get(key)!r}")
    for key, value in header.metadata.items():
        if key.endswith("epsilon") and not (isinstance(value, float) and 0 <= value < 1):
            raise _odd(path, f"{key} is {value!r}")
        if key.startswith("clip.") and header.kinds.get(key) not in _KINDS[type(value)]:
            raise _odd(path, f"{key} is of another type than llama.cpp reads")
    width, heads = header.number(_WIDTH), header.number(_HEADS, 1)
    if width % heads:
        raise _odd(path, f"{heads} heads do not share {width} numbers")


def _check_tensors(header: Header, path: Path) -> None:
    """What is added to what a matrix makes must be as long as that."""
    shapes = {tensor.name: tensor.dims for tensor in header.tensors}
    for name, dims in shapes.items():
        if not name.endswith(".bias"):
            continue
        matrix = f"{name.removesuffix('.bias')}.weight"
        if matrix not in shapes:
            raise _odd(path, f"there is {name}, but no {matrix}")
        if prod(dims) != shapes[matrix][-1]:
            raise _odd(path, f"{name} has {prod(dims)} numbers, must have {shapes[matrix][-1]}")
    if not any(name.startswith(_EYES) for name in shapes):
        raise _odd(path, "there is no v.patch_embd.weight")
    for name in _PARTS.get(header.text("clip.projector_type"), ()):
        if name not in shapes:
            raise _odd(path, f"there is no {name}")
    side, width = header.number("clip.vision.patch_size"), header.number(_WIDTH)
    patch = shapes.get("v.patch_embd.weight", ())
    if len(patch) == 4 and (patch[:2] != (side, side) or patch[3] != width):
        raise _odd(path, f"v.patch_embd.weight is {patch}, for patches of {side} and {width}")


def _odd(path: Path, what: str) -> InputError:
    return InputError(f"{path.name}: {what}.", field="projector_path")
