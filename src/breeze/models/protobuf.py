"""The wire form of protocol buffers, as far as a model in that form must be looked through.

Every length is checked against what is left; weights are stepped over, never read. Only the
shapes and places of tensors are of interest here: the graph's meaning is its runtime's affair.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 24
_MOST_FIELDS = 1_000_000
_SMALL = 65_536
_DATA_SIZES = {
    1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 14: 8, 15: 16,
    16: 2, 17: 1, 18: 1, 19: 1, 20: 1,
}  # fmt: skip
"""Bytes of one number by its data type."""

# Which fields of a message are messages again: {kind: {field number: kind}}.
_MODEL, _GRAPH, _NODE, _ATTRIBUTE, _TENSOR, _SPARSE, _FUNCTION, _ENTRY = range(8)
_INNER = {
    _MODEL: {7: _GRAPH, 25: _FUNCTION},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _TENSOR: {13: _ENTRY},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _FUNCTION: {7: _NODE, 11: _ATTRIBUTE},
    _ENTRY: {},
}
_RAW, _DIMS, _TYPE, _LOCATION, _ENTRIES = 9, 1, 2, 14, 13
_INT = 2**32 - 1
"""What of a longer number the readers of a type or a choice take."""

External = tuple[str, int, int]
"""A file of weights, where they begin in it, and how many bytes they are."""


class ProtobufError(Exception):
    """What is wrong, for a person."""


def walk_model(file: BinaryIO, size: int) -> Iterator[External]:
    """Check a model; the weights that it keeps in other files. Raises ProtobufError."""
    if not size:
        raise ProtobufError("it is empty")
    walk = _Walk(file)
    yield from walk.message(_MODEL, size, 0)
    if not walk.has_graph:
        raise ProtobufError("it has no graph")


class _Walk:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._fields = 0
        self.has_graph = False

    def message(self, kind: int, end: int, depth: int) -> Iterator[External]:
        """Step through the message that ends at `end`."""
        if depth > _DEEPEST:
            raise ProtobufError("it is nested too deep")
        inner, tensor = _INNER[kind], _Tensor() if kind == _TENSOR else None
        while self._file.tell() < end:
            number, wire = self._key(end)
            if wire != _BYTES:
                value = self._plain(wire, end)
                if tensor is not None:
                    tensor.number(number, value)
                continue
            length = self._length(end)
            stop = self._file.tell() + length
            if number in inner and not (tensor is not None and number == _ENTRIES):
                self.has_graph |= inner[number] == _GRAPH
                yield from self.message(inner[number], stop, depth + 1)
            elif tensor is not None:
                small = self._file.read(length) if length <= _SMALL else b""
                tensor.bytes(number, length, small)
            self._file.seek(stop)
        if tensor is not None:
            yield from tensor.checked()

    def _key(self, end: int) -> tuple[int, int]:
        self._fields += 1
        if self._fields > _MOST_FIELDS:
            raise ProtobufError("it has too many fields")
        key = self._varint(end)
        if not key >> 3 or key >> 3 >= 2**29 or key & 7 not in (0, 1, 2, 5):
            raise ProtobufError(f"there is no field at byte {self._file.tell()}")
        return key >> 3, key & 7

    def _plain(self, wire: int, end: int) -> int:
        if wire == _VARINT:
            return self._varint(end)
        width = 8 if wire == _FIXED64 else 4
        if self._file.tell() + width > end:
            raise ProtobufError("a number ends behind its message")
        return int.from_bytes(self._file.read(width), "little")

    def _length(self, end: int) -> int:
        length = self._varint(end)
        if length > end - self._file.tell():
            raise ProtobufError(
                f"a field claims {length} bytes, but {end - self._file.tell()} are left"
            )
        return length

    def _varint(self, end: int) -> int:
        value = shift = 0
        while self._file.tell() < end and shift < 70:
            byte = self._file.read(1)
            if not byte:
                break
            value |= (byte[0] & 0x7F) << shift
            if byte[0] < 0x80:
                return value & (2**64 - 1)
            shift += 7
        raise ProtobufError("a number has no end")


class _Tensor:
    """What a tensor claims: its shape, its type, and where its weights are."""

    def __init__(self) -> None:
        self._count = 1
        self._type = 0
        self._raw: int | None = None
        self._outside = False
        self._entries: dict[str, str] = {}

    def number(self, field: int, value: int) -> None:
        if field == _DIMS:
            self._side(value)
        elif field == _TYPE:
            self._type = value & _INT
        elif field == _LOCATION:
            self._outside = value & _INT == 1

    def bytes(self, field: int, length: int, small: bytes) -> None:
        if field in (_DIMS, _ENTRIES) and length > _SMALL:
            raise ProtobufError(f"a tensor is described in {length} bytes")
        if field == _RAW:
            self._raw = length
        elif field == _DIMS:
            for value in _packed(small):
                self._side(value)
        elif field == _ENTRIES:
            name, text = _pair(small)
            if name in self._entries:
                raise ProtobufError(f"external weights have two of {name[:40]!r}")
            self._entries[name] = text

    def _side(self, value: int) -> None:
        if value >= 2**63:
            raise ProtobufError("a tensor has a side below zero")
        self._count *= value
        if self._count >= 2**63:
            raise ProtobufError("a tensor has an impossible shape")

    def checked(self) -> Iterator[External]:
        size = self._size()
        if self._outside or self._entries:  # which another part of the tensor may make count
            offset = _whole(self._entries.get("offset", "0"))
            length = _whole(self._entries.get("length", str(size)))
            if size and length < size:
                raise ProtobufError("a tensor's weights are shorter than its shape says")
            yield self._entries.get("location", ""), offset, max(length, size)
        elif self._raw is not None and size and self._raw != size:
            raise ProtobufError(f"a tensor has {self._raw} bytes, but its shape needs {size}")

    def _size(self) -> int:
        """Bytes that the shape needs; 0 where a number has less than a byte, or no fixed size."""
        width = _DATA_SIZES.get(self._type, 0)
        return self._count * width


def _packed(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value & (2**64 - 1)
            value = shift = 0
        elif shift >= 70:
            raise ProtobufError("a number has no end")


def _pair(data: bytes) -> tuple[str, str]:
    """A key and a value, each a text whose length takes two bytes at most, and nothing else: what
    this read otherwise than a runtime could name any file.
    """
    found = {1: "", 2: ""}
    at = 0
    while at < len(data):
        if data[at] not in (1 << 3 | _BYTES, 2 << 3 | _BYTES) or at + 2 > len(data):
            raise ProtobufError("an entry of external weights has an odd form")
        field, length, at = data[at] >> 3, data[at + 1], at + 2
        if length >= 0x80:
            if at >= len(data) or data[at] >= 0x80:
                raise ProtobufError("an entry of external weights is too long")
            length, at = (length & 0x7F) | data[at] << 7, at + 1
        if at + length > len(data):
            raise ProtobufError("an entry of external weights ends too early")
        found[field] = data[at : at + length].decode("utf-8", "replace")
        at += length
    return found[1], found[2]


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise ProtobufError(f"external weights at {text[:40]!r}")
    return int(text)
