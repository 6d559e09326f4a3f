"""A server on this machine that plays whatever it is told, byte by byte.

    async with StandIn.serving() as server:
        server.play(answer(b"..."))       # once; afterwards `server.usual` answers again

It records every request and every connection, so that tests can see what was sent and closed.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec


@dataclass
class Recorded:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Exchange:
    """One request and the means to answer it."""

    request: Recorded
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    """Which connection this is, from 0."""
    open: bool = True

    async def send(self, *pieces: bytes) -> None:
        """Each piece in a write of its own, with a turn of the loop between them."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def head(self, status: str = "200 OK", **headers: str) -> None:
        """Status line and headers; `_` in names stands for `-`."""
        lines = [f"HTTP/1.1 {status}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def whole(self, body: bytes, status: str = "200 OK", **headers: str) -> None:
        """A whole answer in one write."""
        fields = {"content_type": "application/json", "content_length": str(len(body))} | headers
        lines = [f"HTTP/1.1 {status}", *(f"{n.replace('_', '-')}: {v}" for n, v in fields.items())]
        await self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    async def stream(self, **headers: str) -> None:
        """The head of a chunked event stream."""
        fields = {"content_type": "text/event-stream", "transfer_encoding": "chunked"} | headers
        await self.head(**fields)

    async def chunk(self, *pieces: bytes) -> None:
        """HTTP chunks, each in a write of its own."""
        await self.send(*(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces))

    async def end(self) -> None:
        """The end of a chunked answer."""
        await self.send(b"0\r\n\r\n")

    def close(self) -> None:
        """Close the connection in good order."""
        self.open = False
        self.writer.close()

    def reset(self) -> None:
        """Break the connection off."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.open = False
        self.writer.transport.abort()

    async def left(self) -> float:
        """Wait until the client has closed; the moment it was seen."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.open = False
        return time.perf_counter()


Script = Callable[[Exchange], Awaitable[None]]


@dataclass
class StandIn:
    """See above. `usual` answers what nothing was scripted for."""

    usual: Script
    port: int = 0
    scheme: str = "http"
    requests: list[Recorded] = field(default_factory=list)
    connections: int = 0
    alive: int = 0
    scripts: deque[Script] = field(default_factory=deque)
    problems: list[BaseException] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"

    def play(self, *scripts: Script) -> None:
        """Answer the next requests so."""
        self.scripts.extend(scripts)

    @classmethod
    @asynccontextmanager
    async def serving(
        cls, usual: Script | None = None, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[Self]:
        """A server for the time of the block. At its end every script must have been played."""
        server = cls(usual or _unexpected, scheme="https" if tls else "http")
        writers: set[asyncio.StreamWriter] = set()
        idle = asyncio.Event()
        idle.set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.add(writer)
            idle.clear()
            await server._serve(reader, writer)
            writers.discard(writer)
            if not writers:
                idle.set()

        listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
        server.port = listening.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            listening.close()
            for writer in writers:
                writer.transport.abort()
            await idle.wait()
        assert not server.problems, server.problems
        assert not server.scripts, "a scripted answer was never asked for"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections, self.alive = (
            self.connections,
            self.connections + 1,
            self.alive + 1,
        )
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                script = self.scripts.popleft() if self.scripts else self.usual
                exchange = Exchange(request, reader, writer, number)
                await script(exchange)
                if not exchange.open:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the client left, as it may
        except Exception as problem:  # a fault of the script fails the test
            self.problems.append(problem)
        finally:
            self.alive -= 1
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Recorded | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Recorded(method, path, headers, body)


async def _unexpected(exchange: Exchange) -> None:
    raise AssertionError(f"unexpected: {exchange.request.method} {exchange.request.path}")
