"""One request, exactly as it came."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

LONGEST_HEAD = 256 * 1024
_BOUNDARY = b"\r\n--"


@dataclass(frozen=True)
class Part:
    """One part of a multipart form, in the order of its coming."""

    name: str
    data: bytes
    filename: str = ""
    mime: str = ""

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


@dataclass
class Call:
    """One request: what came, byte by byte, and how it ended.

    Names of headers are in lower case; `fields` has them as written, in order. `at` and `ended_at`
    are seconds, by the stand-in's `now`. `outcome`: "" while it runs, then `done`, `left` (the
    client went away first), `cut` (we broke off, as asked).
    """

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    head: bytes
    body: bytes
    connection: int
    """Which connection of the server, from 0."""
    match: dict[str, str] = field(default_factory=dict)
    """What stood at `{name}` in the route, percent-decoded."""
    fault: str = ""
    """Which fault was played, such as `stream-cut;after=2`."""
    outcome: str = ""
    at: float = 0.0
    ended_at: float = 0.0

    @cached_property
    def headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self.fields:
            key = name.lower()
            found[key] = f"{found[key]}, {value}" if key in found else value
        return found

    @property
    def path(self) -> str:
        """As it came: still percent-encoded, without the query."""
        return self.target.partition("?")[0]

    @cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)

    @cached_property
    def json(self) -> Any:
        """The body, decoded. Raises msgspec.DecodeError when it is no JSON."""
        return msgspec.json.decode(self.body)

    @cached_property
    def form(self) -> list[Part]:
        """The parts of a multipart body; none when it is another kind of body."""
        found = re.search(r'boundary="?([^";]+)', self.headers.get("content-type", ""))
        return parts(self.body, found[1].encode()) if found else []

    def value(self, name: str, default: str = "") -> str:
        """The text of a form's field, written `name` or `name[]`."""
        named = (p.text for p in self.form if p.name in (name, f"{name}[]"))
        return next(named, default)

    @property
    def object(self) -> dict[str, Any]:
        """The body's JSON object; empty when it is none."""
        try:
            value = self.json
        except msgspec.DecodeError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def keep_alive(self) -> bool:
        return "close" not in self.headers.get("connection", "").lower()


def parts(body: bytes, boundary: bytes) -> list[Part]:
    """The parts of a multipart body."""
    found = []
    for piece in (b"\r\n" + body).split(_BOUNDARY + boundary)[1:]:
        if piece.startswith(b"--"):
            break
        head, _, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        said = Message()
        for line in head.decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            said[name] = value.strip()
        param = said.get_param("name", "", "content-disposition")
        found.append(Part(str(param), data, said.get_filename(""), said.get("content-type", "")))
    return found


async def read_call(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
) -> Call | None:
    """The next request; None when the client has closed."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    fields = tuple((n, v.strip()) for n, _, v in (line.partition(":") for line in lines))
    call = Call(method, target, fields, head, b"", connection)
    if "100-continue" in call.headers.get("expect", "").lower():
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    call.body = await _body(reader, call.headers)
    return call


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "chunked" not in headers.get("transfer-encoding", "").lower():
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return bytes(body)


def decoded(segment: str) -> str:
    """One segment of a path, percent-decoded."""
    return unquote(segment)
