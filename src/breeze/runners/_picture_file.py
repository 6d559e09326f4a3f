"""Whether a downloaded file is the picture it is said to be: its header, its end, its pixels."""

from __future__ import annotations

import struct
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, NamedTuple

MOST_PIXELS = 100_000_000
"""Of one picture: what is larger would fill the memory when it is decoded."""
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_NO_SIZE = (0xC4, 0xC8, 0xCC)
"""JPEG markers among the frames that carry no size."""


class NoPicture(Exception):
    """The file is no picture, or not all of one; the text says which."""


class Form(NamedTuple):
    """What a picture is. Width and height in pixels."""

    mime: str
    width: int
    height: int


def form_of(path: Path) -> Form:
    """What the picture at `path` is. Blocks while it is decoded, where Pillow is installed.

    Raises NoPicture when it is none, is cut, is too large, or cannot be decoded.
    """
    with path.open("rb") as file:
        form = _header(file)
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - 64))
        if not _ended(form, file.read(), size, path):
            raise NoPicture("ends in the middle")
    if not 0 < form.width * form.height <= MOST_PIXELS:
        raise NoPicture(f"has {form.width}x{form.height} pixels")
    if find_spec("PIL") is not None:
        _decode(path, form)
    return form


def _header(file: BinaryIO) -> Form:
    head = file.read(32)
    if head.startswith(_PNG) and len(head) >= 24:
        return Form("image/png", *struct.unpack(">II", head[16:24]))
    if head[:2] == b"\xff\xd8":
        return _jpeg(file)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(head)
    raise NoPicture("is neither PNG, JPEG nor WebP")


def _jpeg(file: BinaryIO) -> Form:
    """The size stands in the first frame header, behind any number of other segments."""
    at = 2
    for _ in range(256):
        file.seek(at)
        head = file.read(9)
        if len(head) < 9 or head[0] != 0xFF:
            break
        if 0xC0 <= head[1] <= 0xCF and head[1] not in _NO_SIZE:
            height, width = struct.unpack(">HH", head[5:9])
            return Form("image/jpeg", width, height)
        at += 2 + int(struct.unpack(">H", head[2:4])[0])
    raise NoPicture("is a JPEG without a size")


def _webp(head: bytes) -> Form:
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[i : i + 3], "little") + 1 for i in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", head[26:30]))
    else:
        raise NoPicture("is a WebP of an unknown kind")
    return Form("image/webp", width, height)


def _ended(form: Form, tail: bytes, size: int, path: Path) -> bool:
    """Whether the end of the file is that of a whole picture."""
    if form.mime == "image/png":
        return tail.rstrip(b"\0").endswith(_PNG_END)
    if form.mime == "image/jpeg":
        return b"\xff\xd9" in tail
    with path.open("rb") as file:
        said = int.from_bytes(file.read(8)[4:], "little") + 8
    return said <= size


def _decode(path: Path, form: Form) -> None:
    from PIL import Image

    kind = form.mime.removeprefix("image/").upper()
    try:
        with Image.open(path, formats=(kind,)) as image:
            image.load()
            size = image.size
    except Exception as error:  # a broken file makes decoders raise anything
        raise NoPicture("cannot be decoded") from error
    if size != (form.width, form.height):
        raise NoPicture("has another size than its header says")
