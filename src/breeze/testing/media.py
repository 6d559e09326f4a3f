"""Small sounds and pictures, made on the spot."""

from __future__ import annotations

import array
import math
import struct
import sys
import zlib
from collections.abc import Sequence
from functools import lru_cache

from breeze.contracts.wav import close_wav, wav_header


@lru_cache(maxsize=32)
def pcm(seconds: float, rate: int = 16_000, tone: float = 440.0) -> bytes:
    """A tone (0 Hz: silence) as signed 16-bit little-endian mono."""
    samples = array.array(
        "h",
        (round(9_000 * math.sin(math.tau * tone * i / rate)) for i in range(int(seconds * rate))),
    )
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def wav(seconds: float, rate: int = 16_000, tone: float = 440.0) -> bytes:
    """The same as a WAV file."""
    return close_wav(wav_header(rate) + pcm(seconds, rate, tone))


def png(width: int, height: int) -> bytes:
    """A white picture with a black frame, as PNG (grey, 8 bit)."""
    rows = [
        bytes(0 if x in (0, width - 1) or y in (0, height - 1) else 255 for x in range(width))
        for y in range(height)
    ]
    return png_file(width, height, rows, colour=False)


def png_file(width: int, height: int, rows: Sequence[bytes], *, colour: bool) -> bytes:
    """A PNG of these rows of pixels: a byte each (grey), or three with `colour` (RGB)."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if colour else 0, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
