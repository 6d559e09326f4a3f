"""What a GGUF file says of itself: its metadata and where its tensors lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

BLOCKS: dict[int, tuple[int, int]] = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 40), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
    40: (64, 36), 41: (128, 18), 42: (64, 18),
}  # fmt: skip
"""Known ggml types: numbers in a block, and the block's size in bytes."""


class Array(NamedTuple):
    """A list in the metadata: the type of its elements and how many there are."""

    kind: int
    length: int


class Tensor(NamedTuple):
    """Where a tensor lies: `offset` from the beginning of the file, `size`, both in bytes."""

    name: str
    dims: tuple[int, ...]
    kind: int
    offset: int
    size: int


@dataclass(frozen=True)
class Header:
    """What a GGUF file says of itself, checked. `size` is the file's, in bytes."""

    version: int
    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]
    size: int
    kinds: dict[str, int] = field(default_factory=dict)
    """The format's type of each entry of the metadata."""

    def text(self, key: str) -> str:
        """The text under `key`, empty when there is none."""
        value = self.metadata.get(key, "")
        return value if isinstance(value, str) else ""

    def number(self, key: str, default: int = 0) -> int:
        """The whole number under `key`."""
        value = self.metadata.get(key, default)
        return value if isinstance(value, int) else default

    def count(self, key: str) -> int:
        """How many elements the list under `key` has, 0 when there is none."""
        value = self.metadata.get(key)
        return value.length if isinstance(value, Array) else 0
