"""What goes out: a status, headers and pieces, and how the connection fares meanwhile.

A fault is nothing but a reply that differs: `framing` says how its length is told, `ending` what
comes after its last piece, `tiny` that it dribbles.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import msgspec

Framing = Literal["length", "chunked", "close"]
Ending = Literal["done", "cut", "close", "reset", "silence", "endless"]
Upgrade = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
JSON = "application/json"
SSE = "text/event-stream"
_LIFE = 0.02
"""Seconds between signs of life."""
_REASONS = {200: "OK", 101: "Switching Protocols", 401: "Unauthorized", 404: "Not Found"}


@dataclass(frozen=True)
class Reply:
    """An answer. Each piece is one write; in a stream each is one event.

    `ending`: `done` in good order; `cut` closes amid what was promised; `close` closes without
    more; `reset` breaks the connection off; `silence` says nothing more until the client leaves or
    the stand-in is released; `endless` says the last piece for ever. Without `begins` not even the
    status goes out. `life`: bytes that show in a silence that somebody is there.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: tuple[bytes, ...] = ()
    streamed: bool = False
    framing: Framing = "length"
    ending: Ending = "done"
    begins: bool = True
    life: bytes = b""
    tiny: int = 0
    """Bytes in one write; 0: a piece each."""
    upgrade: Upgrade | None = None
    """Takes the connection over after the head (a WebSocket)."""

    @classmethod
    def json(cls, value: Any, status: int = 200) -> Self:
        """A whole JSON answer."""
        body = msgspec.json.encode(value)
        return cls(status, {"content-type": JSON}, (body,))

    @classmethod
    def sse(cls, values: Iterable[Any], end: bytes = b"data: [DONE]\n\n") -> Self:
        """Server-sent events: an object is the data of one, bytes stand as they are."""
        pieces = tuple(v if isinstance(v, bytes) else event(v) for v in values)
        return cls(200, {"content-type": SSE}, (*pieces, *((end,) if end else ())), True, "chunked")

    @classmethod
    def lines(cls, values: Iterable[Any]) -> Self:
        """A JSON value a line."""
        pieces = tuple(msgspec.json.encode(v) + b"\n" for v in values)
        given = {"content-type": "application/x-ndjson"}
        return cls(200, given, pieces, True, "chunked")

    @classmethod
    def raw(cls, data: bytes, mime: str, pieces: int = 1, status: int = 200) -> Self:
        """Bytes of some kind; in several pieces they come as a chunked stream."""
        size = max(1, -(-len(data) // pieces))
        cut = tuple(data[i : i + size] for i in range(0, len(data), size))
        many = pieces > 1
        return cls(status, {"content-type": mime}, cut, many, "chunked" if many else "length")

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def is_text(self) -> bool:
        """JSON, lines of it, or events."""
        kind = self.headers.get("content-type", "")
        return any(word in kind for word in ("json", "event-stream"))

    def but(self, **changes: Any) -> Reply:
        """The same, apart from these."""
        return replace(self, **changes)

    def having(self, **headers: str) -> Reply:
        """The same with more headers; `_` in names stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


def event(value: Any, name: str = "") -> bytes:
    """One server-sent event."""
    first = f"event: {name}\n".encode() if name else b""
    return first + b"data: " + msgspec.json.encode(value) + b"\n\n"


class Player:
    """Writes replies to one connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        released: asyncio.Event,
        pace: float,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._released = released
        self._pace = pace
        self.at_rest = False
        """Nothing more comes unless the client leaves, or reads what never ends."""

    async def play(self, reply: Reply, *, head_only: bool = False) -> bool:
        """Send it all. True when the connection can serve another request.

        Raises ConnectionError when the client went away first.
        """
        if reply.begins:
            await self._send(_head(reply))
        if reply.upgrade is not None:
            await reply.upgrade(self._reader, self._writer)
            return False
        if head_only:
            return True
        chunked = reply.framing == "chunked"
        for piece in reply.pieces:
            await self._piece(_chunk(piece) if chunked else piece, reply.tiny)
        return await self._end(reply, chunked)

    async def _end(self, reply: Reply, chunked: bool) -> bool:
        if reply.ending == "done":
            if chunked:
                await self._send(b"0\r\n\r\n")
            return reply.framing != "close"
        if reply.ending == "cut" and chunked:
            await self._send(b"ffff\r\nda")
        if reply.ending == "reset":
            self._reset()
        if reply.ending == "silence":
            await self._silence(_chunk(reply.life) if chunked and reply.life else reply.life)
        if reply.ending == "endless":
            await self._endless(_chunk(reply.pieces[-1]) if chunked else reply.pieces[-1])
        return False

    async def _piece(self, data: bytes, tiny: int) -> None:
        for start in range(0, len(data), tiny or len(data) or 1):
            await self._send(data[start : start + (tiny or len(data))])
        if self._pace:
            await asyncio.sleep(self._pace)

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()
        await asyncio.sleep(0)

    async def _silence(self, life: bytes) -> None:
        """Nothing but signs of life, until the client leaves or the stand-in is released."""
        left = asyncio.ensure_future(self._reader.read(1))
        released = asyncio.ensure_future(self._released.wait())
        waiting = {left, released}
        self.at_rest = True
        try:
            done: set[asyncio.Future[Any]] = set()
            while not done:
                done, _ = await asyncio.wait(
                    waiting, timeout=_LIFE if life else None, return_when="FIRST_COMPLETED"
                )
                if life and not done:
                    await self._send(life)
        finally:
            for task in waiting:
                task.cancel()
        if left in done:
            left.result()  # may say that the connection was broken off
            raise ConnectionAbortedError("the client left")

    async def _endless(self, data: bytes) -> None:
        self.at_rest = True
        while not self._released.is_set():
            await self._send(data)

    def _reset(self) -> None:
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


def _head(reply: Reply) -> bytes:
    given = {name.lower(): value for name, value in reply.headers.items()}
    if reply.framing == "chunked":
        given.setdefault("transfer-encoding", "chunked")
    elif reply.framing == "length" and reply.upgrade is None:
        size = len(reply.body)
        given.setdefault("content-length", str(size if reply.ending == "done" else 2 * size + 64))
    else:
        given.setdefault("connection", "close")
    lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
