"""A client's end of a connection, byte by byte: what it sends, reads, and how it goes."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import suppress
from typing import Any, Self

from harness.soak.site import Site


class Untrue(Exception):
    """The server said something that it must not say."""


def request(site: Site, method: str, path: str, body: Any = b"", **headers: str) -> bytes:
    """The bytes of a request; `headers` with underscores for dashes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {
        "host": f"127.0.0.1:{site.port}",
        "authorization": f"Bearer {site.key}",
        "content-type": "application/json",
        "content-length": str(len(data)),
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in named.items() if v)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data


class Wire:
    """Use it as a context manager; leaving it closes the connection, whatever is under way."""

    def __init__(self, site: Site, window: int = 0) -> None:
        self.site = site
        self.headers: dict[str, str] = {}
        self._window = window
        self._reset = False

    async def __aenter__(self) -> Self:
        sock = socket.socket()
        sock.setblocking(False)
        if self._window:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._window)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.site.port))
            self.reader, self.writer = await asyncio.open_connection(
                sock=sock, limit=self._window or 2**20
            )
        except BaseException:
            sock.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reset:
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()

    def reset(self) -> None:
        """Break the connection off at the end instead of closing it in good order."""
        self._reset = True

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        """The status of the answer that begins now; its headers are kept."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")[:-2]
        named = (line.partition(": ") for line in lines)
        self.headers = {name.lower(): value for name, _, value in named}
        return int(first.split()[1])

    async def body(self) -> bytes:
        """The rest of the answer."""
        if self.headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(self.headers.get("content-length", 0)))
        found = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            found.append((await self.reader.readexactly(size + 2))[:-2])
        await self.reader.readexactly(2)
        return b"".join(found)

    async def some(self, most: int) -> bytes:
        """What has come, or comes next."""
        return await self.reader.read(most)

    async def until(self, mark: bytes, most: int = 2**20) -> bytes:
        """Read until `mark` has come. Raises Untrue when the answer ends before."""
        found = bytearray()
        while mark not in found[-5000:]:
            piece = await self.reader.read(4096)
            if not piece or len(found) > most:
                raise Untrue(f"{mark!r} never came, but {found[-300:]!r}")
            found += piece
        return bytes(found)

    async def closed(self) -> None:
        """Wait until the server has closed."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass


async def ask(site: Site, data: bytes, *statuses: int) -> bytes:
    """The body of one answer on a connection of its own. Raises Untrue for another status."""
    async with Wire(site) as wire:
        await wire.send(data)
        status = await wire.status()
        body = await wire.body()
    if status not in statuses:
        raise Untrue(f"{data[:60]!r}: {status} {body[:300]!r}, not {statuses}")
    return body


def chat(model: str, *, stream: bool, tokens: int = 200) -> dict[str, Any]:
    """The body of a chat."""
    return {
        "model": model,
        "messages": [{"role": "user", "content": "hello " * 40}],
        "max_tokens": tokens,
        **({"stream": True} if stream else {}),
    }
