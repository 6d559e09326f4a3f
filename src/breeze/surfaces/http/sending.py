"""Writes an answer to the connection. What became ready in one turn of the loop is one write."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import aclosing
from typing import Any

from breeze.surfaces.http.reply import Headers, Reply, Stream

Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


async def send_reply(send: Send, reply: Reply, headers: Headers) -> None:
    """A whole answer."""
    body = reply.body
    headers += (b"content-type", reply.type), (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_stream(send: Send, stream: Stream, headers: Headers) -> None:
    """An answer piece by piece; the pieces' generator is closed whatever happens."""
    headers.append((b"content-type", stream.type))
    async with aclosing(stream.pieces) as pieces:
        await send({"type": "http.response.start", "status": stream.status, "headers": headers})
        burst = _Burst(send)
        try:
            async for piece in pieces:
                burst.add(piece)
                if burst.stuck is not None:
                    await burst.drained()
        finally:
            await burst.drained()
    await send({"type": "http.response.body", "body": burst.rest()})


class _Burst:
    """Collects pieces and sends them together as soon as the event loop comes round.

    `stuck` is a send that waits for the client to read: the producer has to wait with it.
    """

    __slots__ = ("_loop", "_pieces", "_planned", "_send", "stuck")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []
        self._planned = False
        self.stuck: asyncio.Task[None] | None = None

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        if not self._planned:
            self._planned = True
            self._loop.call_soon(self._flush)

    def rest(self) -> bytes:
        """What was not sent yet; it is the caller's now."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)

    def _flush(self) -> None:
        self._planned = False
        if not self._pieces or self.stuck is not None:
            return
        sending = self._send({"type": "http.response.body", "body": self.rest(), "more_body": True})
        try:  # nearly always the send is done at once, so it needs no task of its own
            waits_for = sending.send(None)
        except StopIteration:
            return
        self.stuck = self._loop.create_task(_go_on(sending, waits_for))

    async def drained(self) -> None:
        """Wait until a send that is stuck has gone out, then send what came meanwhile."""
        while (stuck := self.stuck) is not None:
            try:
                await stuck
            finally:
                self.stuck = None
            self._flush()


async def _go_on(sending: Coroutine[Any, Any, None], waits_for: Any) -> None:
    """Run `sending`, which was begun outside a task and yielded `waits_for`, to its end."""
    await _resumed(sending, waits_for)


@types.coroutine
def _resumed(sending: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    yield waits_for
    yield from sending  # a coroutine that has begun goes on here


Receive = Callable[[], Awaitable[dict[str, Any]]]
