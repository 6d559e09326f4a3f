"""Bytes as they are, to a server and back: what no well-behaved client would send."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """One HTTP response. `headers` by lower-case name, the last one of a name."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error object, whichever dialect it is in."""
        whole: dict[str, Any] = self.json
        found: dict[str, Any] = whole.get("error", whole)
        return found


def request(
    method: str, path: str, body: bytes = b"", /, *, host: str = "127.0.0.1", **headers: str
) -> bytes:
    """The bytes of a request. `headers` with underscores for dashes."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Wire:
    """A connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, url: str) -> Wire:
        host, _, port = url.removeprefix("http://").partition(":")
        return cls(*await asyncio.open_connection(host, int(port), limit=2**26))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, head_only: bool = False) -> Answer:
        """The next response. Raises EOFError when the server closed instead of answering."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        named = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in named}
        status = int(first.split()[1])
        if head_only or status < 200:
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, await self._chunks())
        size = int(headers.get("content-length", 0))
        return Answer(status, headers, await self.reader.readexactly(size))

    async def _chunks(self) -> bytes:
        pieces = []
        while size := int((await self.reader.readuntil(b"\r\n")).strip(), 16):
            pieces.append((await self.reader.readexactly(size + 2))[:-2])
        await self.reader.readuntil(b"\r\n")
        return b"".join(pieces)

    async def closed(self) -> bool:
        """Wait until the server closes; whatever came before is thrown away."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        return True

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def ask(url: str, data: bytes, *, head_only: bool = False) -> Answer:
    """Send `data` on a connection of its own; the first response."""
    wire = await Wire.to(url)
    try:
        await wire.send(data)
        return await wire.answer(head_only=head_only)
    finally:
        await wire.close()
