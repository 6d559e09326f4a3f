"""A model's file is looked at before native code maps it: what it claims must be in it.

Safetensors and ONNX are read here, GGUF by `contracts/gguf.py`. Nothing is executed, and time and
memory are bounded whatever a file says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

import msgspec

from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.gguf import read_header
from breeze.contracts.unreadable import UNREADABLE
from breeze.models.protobuf import ProtobufError, walk_model

_MOST_HEADER = 25_000_000
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6,
    "F6_E3M2": 6, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
_DIMS, _SIDE = 64, 2**48


class _Slot(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def check_header(path: Path, *, allow_pickle: bool = False) -> str:
    """The format of `path`: `gguf`, `safetensors`, `onnx`, or "" for one that is not known here.

    Raises InputError for a file that claims what is not in it, and for a pickled one unless
    `allow_pickle`.
    """
    suffix = path.suffix.lower()
    try:
        if not allow_pickle and _pickled(path):
            raise _Lie("it is pickled: reading it may run any code")
        if suffix in _CHECKS:
            _CHECKS[suffix](path)
            return suffix[1:]
    except (_Lie, ProtobufError) as lie:
        raise _unsound(path, str(lie)) from None
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.", field="model") from error
    return ""


class _Lie(Exception):
    """What is wrong, for a person."""


def _unsound(path: Path, why: str) -> RunnerError:
    return InputError(
        f"{path.name} is not a sound model file: {why}. Fetch it again or choose another.",
        field="model",
        detail="header",
    )


def _gguf(path: Path) -> None:
    read_header(path)


def _safetensors(path: Path) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(_exactly(file, 8), "little")
        if not 2 <= length <= min(_MOST_HEADER, size - 8):
            raise _Lie(f"its header claims {length} bytes, but the file has {size}")
        head = _exactly(file, length)
    _slots(head, size - 8 - length)


def _slots(head: bytes, room: int) -> None:
    """The tensors must fill `room` bytes, one behind the other, each as large as its shape."""
    if head[:1] != b"{":
        raise _Lie("its header is no JSON object")
    try:
        raw = msgspec.json.decode(head, type=dict[str, msgspec.Raw])
        raw.pop("__metadata__", None)
        found = [(name, msgspec.json.decode(slot, type=_Slot)) for name, slot in raw.items()]
    except UNREADABLE as error:
        raise _Lie(f"its header cannot be read ({error})") from None
    at = 0
    for name, slot in sorted(found, key=lambda pair: pair[1].data_offsets):
        begin, end = slot.data_offsets
        if slot.dtype not in _BITS:
            raise _Lie(f"tensor {name[:80]!r} has the unknown type {slot.dtype[:20]!r}")
        if len(slot.shape) > _DIMS or not all(0 <= side < _SIDE for side in slot.shape):
            raise _Lie(f"tensor {name[:80]!r} has an impossible shape")
        if (
            begin != at
            or not 0 <= end - begin <= room
            or ((end - begin) * 8 != prod(slot.shape) * _BITS[slot.dtype])
        ):
            raise _Lie(f"tensor {name[:80]!r} does not lie where its shape says")
        at = end
    if at != room:
        raise _Lie(f"its tensors take {at} bytes, but {room} are there")


def _onnx(path: Path) -> None:
    with path.open("rb") as file:
        for location, offset, length in walk_model(file, os.fstat(file.fileno()).st_size):
            _beside(path, location, offset, length)


def _beside(path: Path, location: str, offset: int, length: int) -> None:
    """Weights outside the file must lie in its folder, and be as long as is claimed."""
    parts = location.replace("\\", "/").split("/")
    odd = ".." in parts or ":" in parts[0] or "*" in location  # a runtime has words with stars
    if not location or location.startswith(("/", "~")) or odd:
        raise _Lie(f"its weights lead out of the model's folder ({location[:80]!r})")
    beside = path.parent.joinpath(*parts)
    if not beside.is_file():
        raise _Lie(f"its weights {location[:80]!r} are not beside it")
    if offset < 0 or length < 0 or offset + length > beside.stat().st_size:
        raise _Lie(f"its weights claim bytes that {location[:80]!r} does not have")


_CHECKS: dict[str, Callable[[Path], Any]] = {
    ".gguf": _gguf, ".safetensors": _safetensors, ".onnx": _onnx,
}  # fmt: skip


def _pickled(path: Path) -> bool:
    """Whether the file begins as pickled data does, or is an archive with such data in it.

    Raises _Lie for an archive that cannot be looked into: others may read it all the same.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if (
        len(start) > 2
        and start[0] == 0x80
        and start[1] in range(2, 6)
        and start[2:3] in b"}]c(\x95\x8a\x8c"
    ):
        return True
    if start != b"PK\x03\x04":
        return False
    try:
        with ZipFile(path) as archive:
            return any(name.endswith((".pkl", ".pickle")) for name in archive.namelist())
    except (BadZipFile, ValueError, NotImplementedError) as error:  # the last: of a later version
        raise _Lie("it is an archive that cannot be looked into, so it may be pickled") from error


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise _Lie("it ends too early")
    return data
