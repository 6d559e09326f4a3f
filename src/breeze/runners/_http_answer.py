"""One answer of a server while it arrives: status, headers, then the body as it comes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Self

from breeze.contracts.clock import Clock
from breeze.contracts.errors import ProcessingError, RunnerError, UnavailableError

if TYPE_CHECKING:
    from breeze.runners._http_connection import Connection

_BEHIND = 256 * 1024
"""Bytes that may wait for a slow reader before the socket is no longer read."""
_LINGER = 1.0
"""Seconds for which an answer may still end after its reader has left content."""
_REMAINDER = 4096
"""Bytes that may still come then."""


class Answer:
    """Iterate over it for the bytes of the body; all that has come is one piece.

    `status` and `headers` (names in lower case, the last of a name counts) are there from the
    start. Leave by `close`, best with `with`: an answer that has not ended takes its connection
    down with it, at once. Iterating raises ProcessingError when the server stopped early (`cut`)
    or sent more than `limit` bytes (`malformed`), UnavailableError when the time is over.
    """

    __slots__ = (
        "_clock", "_error", "_left", "_loop", "_parts", "_paused", "_released", "_size", "_timer",
        "connection", "ended", "headers", "status", "waiter", "where",
    )  # fmt: skip

    def __init__(
        self,
        where: str,
        limit: int,
        timeout: float,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
    ) -> None:
        self.where = where
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.connection: Connection | None = None
        self.ended = False
        self.waiter: asyncio.Future[None] | None = None
        self._loop = loop
        self._left = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._paused = self._released = False
        self._error: RunnerError | None = None
        self._clock = clock
        self._timer = clock.call_later(timeout, partial(self._expire, timeout))

    def header(self, name: str) -> str:
        """The value of a header, empty when there is none."""
        return self.headers.get(name.encode(), b"").decode("latin-1").strip()

    @property
    def encoded(self) -> bool:
        """True when the body is compressed, although nobody asked for that."""
        coding = self.headers.get(b"content-encoding")
        return coding is not None and coding.strip().lower() not in (b"", b"identity")

    # the reader's side --------------------------------------------------------------------

    async def begun(self) -> bool:
        """Wait for status and headers. False: the connection was closed before any byte came."""
        try:
            while not self.status:
                if self._error is not None:
                    raise self._error
                if self.ended:
                    return False
                self.waiter = self._loop.create_future()
                await self.waiter
            if self.encoded and self.status < 400:
                coding = self.header("content-encoding")
                raise self._malformed(f"answered in {coding!r}, which nobody asked for")
        except BaseException:  # a cancellation too: nobody else knows of this answer
            self.close()
            raise
        return True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while True:
            parts = self._parts
            if parts:
                data = parts[0] if len(parts) == 1 else b"".join(parts)
                parts.clear()
                self._size = 0
                if self._paused:
                    self._resume()
                return data
            if self.ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self.waiter = self._loop.create_future()
            await self.waiter

    async def whole(self) -> bytes:
        """The whole body."""
        if self.ended and self._error is None:  # it came along with its headers
            parts, self._parts = self._parts, []
            return b"".join(parts)
        return b"".join([data async for data in self])

    def release(self) -> None:
        """The reader has all it wants: the connection lives on if the answer ends within a second.

        Servers often send the end of an answer apart from its last event.
        """
        if self.ended or self.connection is None:
            return
        self._released, self._left = True, _REMAINDER
        self._parts.clear()
        self._timer.cancel()
        self._timer = self._clock.call_later(_LINGER, partial(self._expire, _LINGER))
        if self._paused:
            self._resume()

    def close(self) -> None:
        """Stop reading. The connection is closed unless the answer has ended or was released."""
        if not self.ended and not self._released:
            self.end()
            if self.connection is not None:
                self.connection.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # the connection's side ----------------------------------------------------------------

    def take(self, data: bytes) -> None:
        """More of the body."""
        self._left -= len(data)
        if self._left < 0:
            self._too_much()
        elif not self._released:
            self._parts.append(data)
            self._size += len(data)
            if self._size > _BEHIND and not self._paused and self.connection is not None:
                self._paused = True
                self.connection.pause()

    def wake(self) -> None:
        """Let the reader look again."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def end(self, error: RunnerError | None = None) -> None:
        """Nothing more will come; `error` says why, unless all is well."""
        if not self.ended:
            self.ended, self._error = True, error
            self._timer.cancel()
            if self._paused:
                self._resume()
        self.wake()

    def cut(self) -> None:
        """The server closed the connection in the middle."""
        self.end(
            ProcessingError(
                f"{self.where} closed the connection before its answer was complete. "
                "Send the request again.",
                detail="cut",
            )
        )

    def _resume(self) -> None:
        self._paused = False
        if self.connection is not None:
            self.connection.resume()

    def _expire(self, seconds: float) -> None:
        why = f"{self.where} did not complete its answer within {seconds:g} s."
        self.end(UnavailableError(f"{why} Try again, or raise timeout.", detail="timeout"))
        if self.connection is not None:
            self.connection.abort()

    def _malformed(self, what: str) -> ProcessingError:
        return ProcessingError(f"{self.where} {what}.", detail="malformed", retryable=False)

    def _too_much(self) -> None:
        self.end(self._malformed("sent more than an answer may hold"))
        if self.connection is not None:
            self.connection.abort()
