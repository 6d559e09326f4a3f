"""Numbers on which llama.cpp would end the whole process instead of refusing the file."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.errors import InputError
from breeze.contracts.gguf_header import Header

_MOST = {"context_length": 2**24, "embedding_length": 2**24, "block_count": 512}
_POOLINGS = range(5)
_TURN_WHOLE_HEADS = ("qwen2", "qwen3")
"""Architectures whose position encoding must turn all of a head."""


def check_numbers(header: Header, kind: str, path: Path) -> None:
    """Raises InputError that names the file, the key and the number."""
    for name, most in _MOST.items():
        if not 1 <= header.number(f"{kind}.{name}") <= most:
            raise _odd(header, f"{kind}.{name}", path)
    for key, value in header.metadata.items():
        if key.endswith("epsilon") and not (isinstance(value, float) and 0 <= value < 1):
            raise _odd(header, key, path)
    if header.number(f"{kind}.pooling_type") not in _POOLINGS:
        raise _odd(header, f"{kind}.pooling_type", path)
    turned = f"{kind}.rope.dimension_count"
    if kind in _TURN_WHOLE_HEADS and turned in header.metadata:
        heads = max(1, header.number(f"{kind}.attention.head_count"))
        width = header.number(f"{kind}.embedding_length") // heads
        if header.number(turned) != header.number(f"{kind}.attention.key_length", width):
            raise _odd(header, turned, path)


def _odd(header: Header, key: str, path: Path) -> InputError:
    return InputError(f"{path.name}: {key} is {header.metadata.get(key)!r}.", field="model")
