"""Forms as bytes, well-formed or not."""

from __future__ import annotations

from tests.http.raw import request

BOUNDARY = "frontier"


def part(name: str, data: bytes | str, *headers: str, filename: str = "") -> bytes:
    """One part of a form."""
    file = f'; filename="{filename}"' if filename else ""
    head = [f'Content-Disposition: form-data; name="{name}"{file}', *headers]
    body = data.encode() if isinstance(data, str) else data
    lines = "\r\n".join([f"--{BOUNDARY}", *head])
    return f"{lines}\r\n\r\n".encode() + body + b"\r\n"


def form(*parts: bytes, end: bytes = f"--{BOUNDARY}--\r\n".encode()) -> bytes:
    """A body of these parts."""
    return b"".join(parts) + end


def post(path: str, body: bytes, type: str = f"multipart/form-data; boundary={BOUNDARY}") -> bytes:
    """The whole request."""
    return request("POST", path, body, content_type=type)
