"""Bytes in JSON: base64, data URIs, and what the first bytes say."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from breeze.contracts.dialects.openai_message_json import ImageUrl
from breeze.contracts.errors import InputError
from breeze.contracts.messages import ImagePart

_MAGIC = (
    (b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"), (b"%PDF", "application/pdf"),
)  # fmt: skip


def mime_of(data: bytes, otherwise: str = "application/octet-stream") -> str:
    """The MIME type that the first bytes of `data` show."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _MAGIC if data.startswith(magic)), otherwise)


def data_uri(data: bytes, mime: str) -> str:
    """`data` as a data URI."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def from_uri(uri: str, path: str) -> tuple[bytes, str]:
    """The bytes and the type in a data URI. Raises InputError for `path`."""
    head, comma, payload = uri.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise InputError(f"{path}: must be data:<type>;base64,… (or a web address).", field=path)
    return decoded(payload, path), head[5:-7]


def decoded(text: str, path: str) -> bytes:
    """The bytes in base64 `text`. Raises InputError for `path`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{path}: is not valid base64.", field=path) from error


def image_part(given: ImageUrl, path: str) -> ImagePart:
    """A picture by web address or data URI. Raises InputError for `path`."""
    detail: Literal["auto", "low", "high"] = "high" if given.detail == "original" else given.detail
    if given.url.startswith(("https://", "http://", "upload:")):
        return ImagePart(url=given.url, detail=detail)
    data, mime = from_uri(given.url, path)
    return ImagePart(data, mime_of(data, mime), detail=detail)
