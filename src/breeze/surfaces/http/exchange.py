"""One request on a connection and its answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from breeze.contracts.errors import CancelledError
from breeze.surfaces.http.asked import Asked, split_url
from breeze.surfaces.http.opening import OPENING
from breeze.surfaces.http.reply import Headers, Reply, Stream

if TYPE_CHECKING:
    from breeze.surfaces.http.connection import Connection

_line = b": ".join
_MOST = 256 * 1024
"""Bytes that are collected before they go out, for a producer that never lets the loop round."""
_END = b"\r\n\r\n"
_LAST = b"\r\nconnection: close" + _END
"""How the head of an answer ends when it is the last on its connection."""


class Exchange(Asked):
    """What came of a request until now, and how to answer it.

    An answer is one `reply`, or `begin`, any number of `write` and an `end`. Nothing goes out
    once the client has `left`. `begun` and `answered`: how far the answer is; `sent`: bytes of a
    stream's body, those included that are `outgoing`, which leave when the loop comes round.
    `expects`: the client waits to be told that it may send the body. `task`: the work. `waiter`:
    what it waits for, when it waits for the client. `chunked`: whether they know chunks; others
    get a stream as it is, and its end is that of the connection.
    """

    complete = False
    expects = False
    begun = False
    answered = False
    sent = 0
    task: asyncio.Task[None]
    waiter: asyncio.Future[None] | None = None
    outgoing: list[bytes]
    _flushed = 0
    _taken = 0

    def __init__(
        self, connection: Connection, method: str, version: str, url: bytes, pairs: Headers
    ) -> None:
        self.connection = connection
        self.method = method
        self.version = version
        self.chunked = version > "1.0"
        self.path, self.query = split_url(url)
        self.pairs = pairs
        self.headers = headers = dict(pairs)
        self.pieces: list[bytes] = []
        self.keep_alive = version != "1.0" and connection.parser.should_keep_alive()
        if b"expect" in headers and self.chunked:
            self.expects = headers[b"expect"].lower() == b"100-continue"

    @property
    def client(self) -> str:  # type: ignore[override]
        return self.connection.client

    # what was asked -----------------------------------------------------------------------

    @property
    def unread(self) -> int:
        """Bytes of the body that nobody has taken yet."""
        return self.size - self._taken

    def take(self) -> bytes:
        body = b"".join(self.pieces)
        self.pieces.clear()
        return body

    async def more(self) -> bytes:
        while not (self.pieces or self.complete or self.left):
            if self.expects:
                self.expects = False
                self.connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.connection.read_on()
            await self._woken()
        if self.left:
            raise CancelledError("The client left before it had sent its request.")
        self._taken = self.size
        return self.take()

    def leave(self) -> None:
        self.wake()
        super().leave()

    # how it is answered -------------------------------------------------------------------

    def reply(self, answer: Reply) -> None:
        """The whole answer, in one write."""
        if self.left:
            return
        body, headers, connection = answer.body, answer.headers, self.connection
        headers += (b"content-type", answer.type), (b"content-length", b"%d" % len(body))
        head = self._head(answer.status, headers)
        connection.transport.write(head if self.method == "HEAD" else head + body)
        self.answered = True
        connection.go_on()

    def begin(self, answer: Stream) -> None:
        """The head of a stream: nobody waits for it because the body is slow."""
        if self.left:
            return
        headers = answer.headers
        headers.append((b"content-type", answer.type))
        if self.chunked:
            headers.append((b"transfer-encoding", b"chunked"))
        self.outgoing = []
        self.connection.transport.write(self._head(answer.status, headers))

    def write(self, piece: bytes) -> None:
        """The next piece of a stream. What comes in one turn of the loop goes out together."""
        if piece and not self.left:
            pieces = self.outgoing
            if not pieces:
                self.connection.loop.call_soon(self._flush)
                self._flushed = self.sent
            pieces.append(piece)
            self.sent += len(piece)
            if self.sent - self._flushed > _MOST:
                self._flush()

    def end(self) -> None:
        """The stream is complete."""
        if not self.left:
            self._flush()
            if self.chunked:
                self.connection.transport.write(b"0\r\n\r\n")
            self.answered = True
            self.connection.go_on()

    async def drained(self) -> None:
        """Wait until the client has read on."""
        while self.connection.stuck and not self.left:
            await self._woken()

    def over(self) -> None:
        """An answer without an end takes its connection with it."""
        self.stop = None
        self.connection.tasks.discard(self.task)
        if not self.answered and not self.left:
            if self.begun:  # a stream: what came of it is not lost
                self._flush()
            self.connection.transport.close()

    # inside -------------------------------------------------------------------------------

    def _flush(self) -> None:
        pieces = self.outgoing
        if pieces and not self.left:
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if self.chunked else body
            self.connection.transport.write(chunk)
        pieces.clear()

    def _head(self, status: int, headers: Headers) -> bytes:
        lines = b"\r\n".join(map(_line, headers))
        if lines.count(b"\n") + lines.count(b"\r") != 2 * len(headers) - 2:
            raise RuntimeError("a header holds a line break")
        self.begun = True
        if self.expects and not self.complete:  # nobody knows whether the body comes all the same
            self.keep_alive = False
        first = OPENING.lines(status, self.connection.state.default_headers)
        return first + lines + (_END if self.keep_alive else _LAST)

    def wake(self) -> None:
        """Something has come, or room for more."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _woken(self) -> None:
        self.waiter = self.connection.loop.create_future()
        await self.waiter
