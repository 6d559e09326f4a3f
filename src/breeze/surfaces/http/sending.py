"""Writes an answer to the connection. What became ready in one turn of the loop is one write."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import aclosing
from typing import Any

from breeze.surfaces.http.reply import NDJSON, SSE, Reply, Stream

BEAT = 15.0
"""Seconds of silence after which a stream gives a sign of life."""
_MOST = 256 * 1024
"""Bytes that are collected before they are sent."""
_BEATS = {SSE: b": \n\n", NDJSON: b"\n"}
Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


async def send_reply(send: Send, reply: Reply) -> None:
    """A whole answer."""
    body, headers = reply.body, reply.headers
    headers += (b"content-type", reply.type), (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_stream(send: Send, stream: Stream, beat: float = BEAT) -> None:
    """An answer piece by piece; the pieces' generator is closed whatever happens.

    After `beat` seconds without a piece comes a sign of life, where the type has one.
    """
    headers = stream.headers
    headers.append((b"content-type", stream.type))
    async with aclosing(stream.pieces) as pieces:
        await send({"type": "http.response.start", "status": stream.status, "headers": headers})
        burst = _Burst(send, stream)
        heart = _Heart(burst, stream, beat)
        try:
            async for piece in pieces:
                burst.add(piece)
                if burst.stuck is not None:
                    await burst.drained()
        finally:
            heart.stop()
            await burst.drained()
    await send({"type": "http.response.body", "body": burst.rest()})


class _Burst:
    """Collects pieces and sends them together as soon as the event loop comes round.

    Or before, when they are many: a producer that is never held up does not let the loop round.
    `stuck` is a send that waits for the client to read: the producer has to wait with it.
    """

    __slots__ = ("_loop", "_pieces", "_planned", "_send", "_size", "_stream", "stuck")

    def __init__(self, send: Send, stream: Stream) -> None:
        self._send = send
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []
        self._size = 0
        self._planned = False
        self.stuck: asyncio.Task[None] | None = None

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if not self._planned:
            self._planned = True
            self._loop.call_soon(self._flush)
        elif self._size > _MOST:
            self._flush()

    def rest(self) -> bytes:
        """What was not sent yet; it is the caller's now."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        body = b"".join(pieces)
        self._stream.sent += len(body)
        return body

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


class _Heart:
    """One timer for a whole stream: it looks whether anything has gone out since it last did."""

    __slots__ = ("_burst", "_every", "_sent", "_stream", "_timer")

    def __init__(self, burst: _Burst, stream: Stream, every: float) -> None:
        self._burst = burst
        self._stream = stream
        self._every = every
        self._timer: asyncio.TimerHandle | None = None
        if stream.type in _BEATS:
            self._wait()

    def _wait(self) -> None:
        self._sent = self._stream.sent
        self._timer = asyncio.get_running_loop().call_later(self._every, self._look)

    def _look(self) -> None:
        if self._stream.sent == self._sent and self._burst.stuck is None:
            self._burst.add(_BEATS[self._stream.type])
        self._wait()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


async def _go_on(sending: Coroutine[Any, Any, None], waits_for: Any) -> None:
    """Run `sending`, which was begun outside a task and yielded `waits_for`, to its end."""
    await _resumed(sending, waits_for)


@types.coroutine
def _resumed(sending: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    yield waits_for
    yield from sending  # a coroutine that has begun goes on here


Receive = Callable[[], Awaitable[dict[str, Any]]]
