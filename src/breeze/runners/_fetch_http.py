"""One GET on one connection to one address: HTTP/1.1 read strictly, with every size bounded."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from breeze.contracts.errors import TooLargeError
from breeze.contracts.web_address import Place
from breeze.version import __version__

_HEAD = 32 * 1024
_BLOCK = 64 * 1024


class Unreadable(Exception):
    """What came is no HTTP, or ended too early."""


class Head(NamedTuple):
    """Status and headers by lower-case name."""

    status: int
    headers: dict[str, str]


class Exchange:
    """An open connection to `address` on which `place` has been asked for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def begin(cls, place: Place, address: str, tls: ssl.SSLContext | None) -> Exchange:
        """Connect and ask. The certificate must be that of the name, whatever the address.

        Raises OSError (TLS errors are such).
        """
        name = place.host if place.scheme == "https" else None
        reader, writer = await asyncio.open_connection(
            address, place.port, ssl=tls if name else None, server_hostname=name, limit=_HEAD
        )
        writer.write(
            f"GET {place.target} HTTP/1.1\r\nhost: {place.authority}\r\n"
            f"user-agent: breeze/{__version__}\r\naccept: */*\r\naccept-encoding: identity\r\n"
            "connection: close\r\n\r\n".encode("ascii")
        )
        return cls(reader, writer)

    def close(self) -> None:
        """Hang up at once."""
        self._writer.transport.abort()

    async def head(self) -> Head:
        """Status and headers. Raises Unreadable, OSError."""
        status = 100
        while 100 <= status < 200:
            try:
                text = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                raise Unreadable from error
            first, *lines = text[:-4].split("\r\n")
            version, _, rest = first.partition(" ")
            if not version.startswith("HTTP/1.") or not rest[:3].isdecimal():
                raise Unreadable
            status = int(rest[:3])
        return Head(status, _headers(lines))

    async def body(self, head: Head, limit: int) -> AsyncGenerator[bytes]:
        """The body as it comes. Raises TooLargeError above `limit` bytes, Unreadable, OSError."""
        if head.headers.get("content-encoding", "identity") != "identity":
            raise Unreadable
        try:
            async with aclosing(self._pieces(head, limit)) as pieces:
                async for piece in pieces:
                    yield piece
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise Unreadable from error

    def _pieces(self, head: Head, limit: int) -> AsyncGenerator[bytes]:
        if "transfer-encoding" in head.headers:
            return self._chunks(head, limit)
        if (length := head.headers.get("content-length")) is None:
            return self._rest(limit)
        if not length.isdecimal() or not length.isascii() or len(length) > 15:
            raise Unreadable
        _check(int(length), limit)
        return self._exactly(int(length))

    async def _exactly(self, size: int) -> AsyncGenerator[bytes]:
        while size:
            piece = await self._reader.read(min(size, _BLOCK))
            if not piece:
                raise Unreadable
            size -= len(piece)
            yield piece

    async def _rest(self, limit: int) -> AsyncGenerator[bytes]:
        size = 0
        while piece := await self._reader.read(_BLOCK):
            size += len(piece)
            _check(size, limit)
            yield piece

    async def _chunks(self, head: Head, limit: int) -> AsyncGenerator[bytes]:
        if head.headers["transfer-encoding"].lower() != "chunked":
            raise Unreadable
        total = 0
        while size := _size(await self._reader.readuntil(b"\r\n")):
            total += size
            _check(total, limit)
            async for piece in self._exactly(size):
                yield piece
            if await self._reader.readexactly(2) != b"\r\n":
                raise Unreadable


def _headers(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        key = name.lower()
        if not colon or name != name.strip() or (key in found and key in _ONCE):
            raise Unreadable
        found[key] = value.strip()
    return found


_ONCE = ("content-length", "transfer-encoding", "location", "content-type")


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not 1 <= len(digits) <= 8 or digits.strip(b"0123456789abcdefABCDEF"):
        raise Unreadable
    return int(digits, 16)


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise TooLargeError("too large", data={"limit": limit})
