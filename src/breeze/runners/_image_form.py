"""What the first bytes of an encoded picture say: type, width and height in pixels."""

from __future__ import annotations

import struct
from typing import NamedTuple


class ImageForm(NamedTuple):
    """MIME type and pixels; "" and 0 for what the bytes do not say."""

    mime: str
    width: int = 0
    height: int = 0


def image_form(data: bytes) -> ImageForm:
    """The form of a PNG, JPEG, WebP or GIF; an empty one for anything else."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return ImageForm("image/png", *struct.unpack_from(">II", data, 16))
        if data.startswith(b"\xff\xd8\xff"):
            return ImageForm("image/jpeg", *_jpeg(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return ImageForm("image/webp", *_webp(data))
        if data.startswith(b"GIF8"):
            return ImageForm("image/gif", *struct.unpack_from("<HH", data, 6))
    except (struct.error, IndexError):
        pass  # cut short: it is no picture
    return ImageForm("")


def _jpeg(data: bytes) -> tuple[int, int]:
    """Width and height from the first frame header (SOF)."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise IndexError("no marker")
        kind = data[at + 1]
        if kind == 0xFF or kind == 0x01 or 0xD0 <= kind <= 0xD8:  # fill bytes, and no length
            at += 1 if kind == 0xFF else 2
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF
