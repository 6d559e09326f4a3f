"""What a program's file tells before it is run: whether it is sound, and for which hardware."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from breeze.contracts.capability import Backend
from breeze.contracts.errors import InputError

_IDENTIFIER = re.compile(rb"ET\d\d")
_DELEGATE = re.compile(rb"([A-Z][A-Za-z0-9]{2,60}Backend)\0")
_PARTS = {
    "CoreMLBackend": Backend.NPU, "CudaBackend": Backend.GPU, "EnnBackend": Backend.NPU,
    "EthosUBackend": Backend.NPU, "MPSBackend": Backend.GPU, "MetalBackend": Backend.GPU,
    "MLXBackend": Backend.GPU, "NeuropilotBackend": Backend.NPU, "NeutronBackend": Backend.NPU,
    "QnnBackend": Backend.NPU, "VgfBackend": Backend.GPU, "VulkanBackend": Backend.GPU,
}  # fmt: skip
"""What each delegate computes on; whatever else there is computes on the processor."""
_MOST = 64 * 2**20
"""Bytes of a program without its weights, beyond which nothing is looked for."""


@dataclass(frozen=True)
class Program:
    """A sound `.pte` file. `delegates`: the hardware back ends that parts of it are lowered for."""

    path: Path
    size: int
    delegates: tuple[str, ...]

    @property
    def backend(self) -> Backend:
        """Where most of it computes: on what it was lowered for."""
        kinds = [_PARTS[name] for name in self.delegates if name in _PARTS]
        return kinds[0] if kinds else Backend.CPU


def inspect(path: Path) -> Program:
    """Reads the head of a program. Raises InputError (field model) for another file, or half."""
    try:
        now = path.stat()
        return _inspected(path, now.st_size, now.st_mtime_ns)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error}.", field="model") from error


@lru_cache(64)
def _inspected(path: Path, size: int, changed: int) -> Program:
    """The same of a file as it was at its last change."""
    with path.open("rb") as file:
        head = file.read(32)
        length = _program_bytes(head, size, path)
        file.seek(0)
        names = _DELEGATE.findall(file.read(min(length, _MOST)))
    return Program(path, size, tuple(sorted({name.decode() for name in names})))


def _program_bytes(head: bytes, size: int, path: Path) -> int:
    """Length of the program proper, before its weights."""
    if not _IDENTIFIER.fullmatch(head[4:8]):
        raise InputError(
            f"{path.name} is no ExecuTorch program: export the model to a .pte file.",
            field="model",
        )
    if head[8:12] != b"eh00":
        return size
    length = int.from_bytes(head[16:24], "little")
    segments = int.from_bytes(head[24:32], "little")
    if max(length, segments) > size:
        raise InputError(
            f"{path.name} is cut short: it has {size} bytes of more than {max(length, segments)}. "
            "Fetch it again.",
            field="model",
        )
    return length
