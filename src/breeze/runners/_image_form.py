"""What the bytes of an encoded picture say of it: type, width and height, whether all is there."""

from __future__ import annotations

import struct
from typing import NamedTuple

_MOST_SEGMENTS = 4096
"""Of a JPEG, before the one that says its size."""
_END = {"image/png": b"IEND\xaeB`\x82", "image/jpeg": b"\xff\xd9"}
_REST = 64
"""Bytes that may follow the end."""


class NoPicture(Exception):
    """The bytes are no picture, or not all of one; the text says which."""


class ImageForm(NamedTuple):
    """MIME type and pixels; "" and 0 for what the bytes do not say."""

    mime: str
    width: int = 0
    height: int = 0


def image_form(data: bytes) -> ImageForm:
    """The form of a PNG, JPEG, WebP or GIF; an empty one for anything else."""
    try:
        return read_form(data)
    except NoPicture:
        return ImageForm("")


def read_form(data: bytes) -> ImageForm:
    """The form of a PNG, JPEG, WebP or GIF. Raises NoPicture."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            return ImageForm("image/png", *struct.unpack_from(">II", data, 16))
        if data[:3] == b"\xff\xd8\xff":
            return ImageForm("image/jpeg", *_jpeg(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return ImageForm("image/webp", *_webp(data))
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return ImageForm("image/gif", *struct.unpack_from("<HH", data, 6))
    except (struct.error, IndexError) as error:
        raise NoPicture("ends before its size") from error
    raise NoPicture("is neither PNG, JPEG, WebP nor GIF")


def ended(data: bytes, mime: str) -> bool:
    """Whether the end of the picture is there, as far as its type tells."""
    if mime == "image/webp":
        return int.from_bytes(data[4:8], "little") + 8 <= len(data)
    return _END.get(mime, b"") in data[-_REST:]


def _jpeg(data: bytes) -> tuple[int, int]:
    """Width and height from the first frame header (SOF)."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if data[at] != 0xFF:
            break
        kind = data[at + 1]
        if kind == 0xFF or kind == 0x01 or 0xD0 <= kind <= 0xD8:  # fill bytes, and no length
            at += 1 if kind == 0xFF else 2
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    raise NoPicture("is a JPEG without a size")


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise NoPicture("is a WebP of an unknown kind")
