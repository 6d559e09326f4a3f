"""Small real pictures of one colour in three formats, computed from what was asked."""

from __future__ import annotations

import hashlib
import struct

from breeze.testing.media import png_file


def picture(said: str, width: int, height: int, form: str) -> bytes:
    """A picture whose colour follows from `said`. `form`: PNG, JPG or WEBP."""
    red, green, blue = hashlib.sha256(said.encode()).digest()[:3]
    if form == "WEBP":
        return _webp(width, height, red, green, blue)
    if form == "JPG":
        return _jpeg(width, height, red)
    return png_file(width, height, [bytes((red, green, blue)) * width] * height, colour=True)


def _webp(width: int, height: int, red: int, green: int, blue: int) -> bytes:
    """Lossless: every pixel is the one symbol of its code, and takes no bits at all."""
    bits, used = 0, 0

    def put(value: int, count: int) -> None:
        nonlocal bits, used
        bits |= value << used
        used += count

    put(width - 1, 14)
    put(height - 1, 14)
    put(0, 1 + 3)  # no alpha; version
    put(0, 3)  # no transform, no cache of colours, one group of codes
    for symbol in (green, red, blue, 255):
        put(0b101, 3)  # a simple code of one symbol of 8 bits
        put(symbol, 8)
    put(0b001, 3)  # distances: one symbol of 1 bit
    put(0, 1)
    data = b"\x2f" + bits.to_bytes((used + 7) // 8, "little")
    data += b"\0" * (len(data) % 2)
    body = b"WEBPVP8L" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _jpeg(width: int, height: int, grey: int) -> bytes:
    """One component. The first block says the shade, every other that nothing has changed."""
    blocks = -(-width // 8) * -(-height // 8)
    shade = grey - 128
    size = abs(shade).bit_length()
    value = shade if shade > 0 else shade + (1 << size) - 1
    text = (f"10{value:0{size}b}" if size else "0") + "0" + "00" * (blocks - 1)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")

    def segment(marker: int, content: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content

    steps = segment(0xDB, b"\0" + bytes([8] + [1] * 63))
    frame = segment(0xC0, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0))
    lengths = (b"\x01\x01" + bytes(14), b"\x01" + bytes(15))
    symbols = (bytes([0, size or 1]), b"\0")
    codes = segment(0xC4, b"\x00" + lengths[0] + symbols[0])
    codes += segment(0xC4, b"\x10" + lengths[1] + symbols[1])
    scan = segment(0xDA, bytes([1, 1, 0, 0, 63, 0]))
    return b"\xff\xd8" + steps + frame + codes + scan + data + b"\xff\xd9"
