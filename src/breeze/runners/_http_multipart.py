"""A form with files, as a body."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import NamedTuple

_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Part(NamedTuple):
    """One field of a form; with a `filename` it is a file."""

    name: str
    data: bytes
    filename: str = ""
    content_type: str = ""


def multipart(parts: Iterable[Part]) -> tuple[bytes, str]:
    """The body of the form, in the order given, and its content type.

    Names are escaped as browsers do (https://html.spec.whatwg.org/#multipart-form-data).
    """
    boundary = secrets.token_hex(16).encode()
    pieces: list[bytes] = []
    for part in parts:
        pieces += (b"--", boundary, b"\r\n", _head(part), b"\r\n\r\n", part.data, b"\r\n")
    pieces += (b"--", boundary, b"--\r\n")
    return b"".join(pieces), f"multipart/form-data; boundary={boundary.decode()}"


def _head(part: Part) -> bytes:
    line = f'Content-Disposition: form-data; name="{part.name.translate(_ESCAPES)}"'
    if part.filename:
        line += f'; filename="{part.filename.translate(_ESCAPES)}"'
    if part.content_type.isprintable() and part.content_type:  # else it would begin a line anew
        line += f"\r\nContent-Type: {part.content_type}"
    return line.encode()
