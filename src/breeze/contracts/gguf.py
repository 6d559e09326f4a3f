"""The header of a GGUF file, read strictly, so that native code never maps a file that lies.

llama.cpp trusts sizes that it reads. Here every count, length, offset and dimension is checked
against the real size of the file first. Time and memory are bounded whatever the file says: text
that is kept takes 32 MiB at most, lists are stepped over and never built.
"""

from __future__ import annotations

import mmap
import os
from math import prod
from pathlib import Path
from struct import Struct
from typing import Any

from breeze.contracts.errors import InputError
from breeze.contracts.gguf_header import BLOCKS, Array, Header, Tensor

_U32, _U64, _COUNTS = Struct("<I"), Struct("<Q"), Struct("<qq")
_SCALARS = {
    0: Struct("<B"), 1: Struct("<b"), 2: Struct("<H"), 3: Struct("<h"), 4: _U32, 5: Struct("<i"),
    6: Struct("<f"), 7: Struct("<?"), 10: _U64, 11: Struct("<q"), 12: Struct("<d"),
}  # fmt: skip
_BOOL, _STRING, _ARRAY = 7, 8, 9
VOCABULARY = "tokenizer.ggml.tokens"
"""Its texts must differ: llama.cpp ends the whole process when two are the same."""

MAX_PAIRS = 65_536
MAX_TENSORS = 65_536
MAX_KEY = 65_535
MAX_NAME = 63
MAX_TEXT = 32 * 1024 * 1024
MAX_STRINGS = 2_000_000
MAX_VOCABULARY = 524_288
"""Caps on one file; MAX_TEXT is the text kept in all, MAX_STRINGS the texts in lists in all."""


def read_header(path: Path) -> Header:
    """The header of `path`. Raises InputError that names what is wrong with the file."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < 24:
                raise _Lie(f"it has only {size} bytes")
            with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
                return _Reader(data, size).header()
    except _Lie as lie:
        raise InputError(
            f"{path.name} is not a sound GGUF file: {lie}. Fetch it again or choose another.",
            field="model",
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read: {error}.", field="model") from error


class _Lie(Exception):
    """What is wrong, for a person."""


class _Reader:
    def __init__(self, data: mmap.mmap, size: int) -> None:
        self.data = data
        self.size = size
        self.at = 0
        self.text_left = MAX_TEXT
        self.strings_left = MAX_STRINGS

    def header(self) -> Header:
        if self.data[:4] != b"GGUF":
            raise _Lie("it does not begin with GGUF")
        self.at = 4
        version = self.number(_U32, "version")
        if version not in (2, 3):
            raise _Lie(f"version {version} is not 2 or 3 (or the file is big-endian)")
        tensors, pairs = _COUNTS.unpack_from(self.data, self.at)
        self.at += _COUNTS.size
        self.fits("tensors", tensors, 32, MAX_TENSORS)
        self.fits("metadata entries", pairs, 13, MAX_PAIRS)
        metadata: dict[str, Any] = {}
        kinds: dict[str, int] = {}
        for _ in range(pairs):
            key = self.name("key", MAX_KEY)
            if key in metadata:
                raise _Lie(f"key {key!r} comes twice")
            (kinds[key],) = _U32.unpack_from(self.data, min(self.at, self.size - 4))
            metadata[key] = self.value(key)
        alignment = self.alignment(metadata)
        found = [self.tensor() for _ in range(tensors)]
        return Header(version, metadata, self.placed(found, alignment), self.size, kinds)

    def fits(self, what: str, count: int, least: int, most: int) -> None:
        """`count` things of at least `least` bytes must fit into what is left."""
        left = self.size - self.at
        if not 0 <= count <= most or count * least > left:
            raise _Lie(f"it claims {count} {what}, but only {left} bytes are left (most: {most})")

    def skip(self, length: int, what: str) -> int:
        """Step over `length` bytes; where they began."""
        begin, self.at = self.at, self.at + length
        if self.at > self.size:
            raise _Lie(f"{what} claims {length} bytes at {begin}, but the file has {self.size}")
        return begin

    def number(self, form: Struct, what: str) -> Any:
        return form.unpack_from(self.data, self.skip(form.size, what))[0]

    def bytes(self, what: str, most: int) -> bytes:
        length = self.number(_U64, what)
        if length > min(most, self.text_left):
            raise _Lie(
                f"{what} claims a text of {length} bytes (most: {min(most, self.text_left)})"
            )
        self.text_left -= length
        begin = self.skip(length, what)
        return self.data[begin : begin + length]

    def name(self, what: str, most: int) -> str:
        raw = self.bytes(what, most)
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise _Lie(f"{what} {raw[:40]!r} is not UTF-8") from None
        if not text or "\0" in text:
            raise _Lie(f"{what} {text!r} is empty or has a zero byte")
        return text

    def value(self, key: str) -> Any:
        kind = self.number(_U32, f"key {key!r}")
        if kind == _STRING:
            return self.bytes(f"key {key!r}", MAX_TEXT).decode(errors="replace")
        if kind == _ARRAY:
            return self.array(key)
        if kind not in _SCALARS:
            raise _Lie(f"key {key!r} has the unknown type {kind}")
        begin = self.skip(_SCALARS[kind].size, f"key {key!r}")
        if kind == _BOOL and self.data[begin] > 1:
            raise _Lie(f"key {key!r} is neither true nor false")
        return _SCALARS[kind].unpack_from(self.data, begin)[0]

    def array(self, key: str) -> Array:
        kind, count = self.number(_U32, f"list {key!r}"), self.number(_U64, f"list {key!r}")
        if kind == _STRING:
            most = MAX_VOCABULARY if key == VOCABULARY else self.strings_left
            self.fits(f"texts in list {key!r}", count, 8, min(most, self.strings_left))
            self.strings_left -= count
            self.step_over_strings(count, key)
        elif kind in _SCALARS:
            self.skip(count * _SCALARS[kind].size, f"list {key!r}")
        else:
            raise _Lie(f"list {key!r} has elements of the unknown type {kind}")
        return Array(kind, count)

    def step_over_strings(self, count: int, key: str) -> None:
        data, size, at, length_at = self.data, self.size, self.at, _U64.unpack_from
        seen = set[bytes]() if key == VOCABULARY else None
        for index in range(count):
            begin = at + 8
            if begin > size:
                raise _Lie(f"list {key!r} ends after {index} of {count} texts")
            at = begin + length_at(data, at)[0]
            if seen is not None and at - self.at > MAX_TEXT:
                raise _Lie(f"list {key!r} has more than {MAX_TEXT} bytes of text")
            if seen is not None and begin < at <= begin + MAX_KEY:
                seen.add(data[begin:at])
        if at > size:
            raise _Lie(f"list {key!r} claims text up to {at}, but the file has {size}")
        if seen is not None and len(seen) != count:
            raise _Lie(f"list {key!r} has the same, an empty or an endless text twice")
        self.at = at

    def alignment(self, metadata: dict[str, Any]) -> int:
        value = metadata.get("general.alignment", 32)
        if type(value) is not int or value < 1 or value & (value - 1):
            raise _Lie(f"general.alignment is {value!r}, must be a power of two")
        return value

    def tensor(self) -> Tensor:
        """A tensor's entry; its offset still counts from the beginning of the data."""
        name = self.name("tensor name", MAX_NAME)
        count = self.number(_U32, f"tensor {name}")
        if not 1 <= count <= 4:
            raise _Lie(f"tensor {name} claims {count} dimensions, must be 1 to 4")
        dims = tuple(self.number(_U64, f"tensor {name}") for _ in range(count))
        kind, offset = self.number(_U32, f"tensor {name}"), self.number(_U64, f"tensor {name}")
        if kind not in BLOCKS:
            raise _Lie(f"tensor {name} has the unknown type {kind}")
        numbers, length = BLOCKS[kind]
        if not all(0 < side < 2**63 for side in dims) or prod(dims) >= 2**63:
            raise _Lie(f"tensor {name} claims the impossible shape {dims}")
        if dims[0] % numbers:
            raise _Lie(f"tensor {name} has rows of {dims[0]}, not a multiple of {numbers}")
        return Tensor(name, dims, kind, offset, prod(dims) // numbers * length)

    def placed(self, tensors: list[Tensor], alignment: int) -> tuple[Tensor, ...]:
        """The tensors with offsets in the file: one after the other, padded, all inside it."""
        data, expected, names, placed = _padded(self.at, alignment), 0, set[str](), []
        for tensor in tensors:
            end = data + tensor.offset + tensor.size
            if tensor.name in names:
                raise _Lie(f"tensor {tensor.name} comes twice")
            if end > self.size:
                raise _Lie(
                    f"tensor {tensor.name} claims {tensor.size} bytes at offset "
                    f"{data + tensor.offset}, but the file has {self.size}"
                )
            if tensor.offset != expected:
                raise _Lie(
                    f"tensor {tensor.name} claims offset {tensor.offset} of the data, but the one "
                    f"before ends at {expected} (aligned to {alignment})"
                )
            names.add(tensor.name)
            expected = _padded(tensor.offset + tensor.size, alignment)
            placed.append(tensor._replace(offset=data + tensor.offset))
        return tuple(placed)


def _padded(value: int, alignment: int) -> int:
    return -(-value // alignment) * alignment
