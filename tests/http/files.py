"""Small files of the usual kinds, honest and lying."""

from __future__ import annotations

import struct
import zlib


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int = 8, height: int = 8, pixels: bytes | None = None) -> bytes:
    """A grey picture. `pixels` replaces what the size asks for."""
    rows = (b"\0" + bytes(width)) * height if pixels is None else pixels
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )  # fmt: skip


def png_bomb() -> bytes:
    """A picture that says 60,000 x 60,000 pixels in a few hundred bytes."""
    return png(60_000, 60_000, bytes(10_000))


def wav(seconds: float = 0.1, rate: int = 16_000, *, says: int | None = None) -> bytes:
    """Silence. `says`: the bytes of sound that its header claims."""
    sound = bytes(int(seconds * rate) * 2)
    size = len(sound) if says is None else says
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2 & 0xFFFFFFFF, 2, 16)
    return (
        b"RIFF" + struct.pack("<I", (size + 36) & 0xFFFFFFFF) + b"WAVEfmt " + form
        + b"data" + struct.pack("<I", size & 0xFFFFFFFF) + sound
    )  # fmt: skip
