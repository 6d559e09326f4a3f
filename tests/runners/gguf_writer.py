"""Writes small GGUF files byte by byte, so that a test knows where each number stands."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from breeze.contracts.gguf_header import BLOCKS

SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
STRING, ARRAY = 8, 9


@dataclass
class Drawn:
    """A GGUF file being written. `spots`: where counts, lengths, sizes and offsets stand."""

    version: int = 3
    alignment: int = 32
    metadata: dict[str, tuple[int, Any]] = field(default_factory=dict)
    tensors: dict[str, tuple[tuple[int, ...], int]] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    spots: list[tuple[int, str]] = field(default_factory=list)

    def number(self, form: str, value: Any, *, spot: bool = False) -> None:
        if spot:
            self.spots.append((len(self.data), form))
        self.data += struct.pack(f"<{form}", value)

    def text(self, value: str) -> None:
        self.number("Q", len(value.encode()), spot=True)
        self.data += value.encode()

    def value(self, kind: int, value: Any) -> None:
        if kind == STRING:
            self.text(value)
        elif kind == ARRAY:
            inner, items = value
            self.number("I", inner)
            self.number("Q", len(items), spot=True)
            for item in items:
                self.value(inner, item)
        else:
            self.number(SCALARS[kind], value)

    def file(self) -> bytes:
        self.data, self.spots = bytearray(b"GGUF"), []
        self.number("I", self.version)
        self.number("q", len(self.tensors), spot=True)
        pairs = {**self.metadata, "general.alignment": (4, self.alignment)}
        self.number("q", len(pairs), spot=True)
        for key, (kind, value) in pairs.items():
            self.text(key)
            self.number("I", kind)
            self.value(kind, value)
        offset = 0
        for name, (dims, kind) in self.tensors.items():
            self.text(name)
            self.number("I", len(dims), spot=True)
            for side in dims:
                self.number("Q", side, spot=True)
            self.number("I", kind)
            self.number("Q", offset, spot=True)
            offset += self.padded(size_of(dims, kind))
        self.data += bytes(self.padded(len(self.data)) - len(self.data) + offset)
        return bytes(self.data)

    def padded(self, value: int) -> int:
        return -(-value // self.alignment) * self.alignment


def size_of(dims: tuple[int, ...], kind: int) -> int:
    numbers, length = BLOCKS[kind]
    count = 1
    for side in dims:
        count *= side
    return count // numbers * length
