"""One answer of a server while it arrives: status, headers, then the body as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from breeze.contracts.errors import ProcessingError, RunnerError, UnavailableError

if TYPE_CHECKING:
    from breeze.runners._http_connection import Connection

_BEHIND = 256 * 1024
"""Bytes that may wait for a slow reader before the socket is no longer read."""
_REMAINDER = 4096
"""Bytes that may still come after its reader has left content."""
_NO_FIELDS: dict[bytes, bytes] = {}


class Answer:
    """Iterate over it for the bytes of the body; all that one read of the socket brought is a piece.

    `status` and `headers` are there from the start, and the body too when the answer was asked
    for as a whole and is no refusal. Leave by `close`, best with `with`: an answer that has not
    ended takes its connection down with it, at once. Iterating raises ProcessingError when the
    server stopped early (`cut`) or sent more than `limit` bytes (`malformed`), UnavailableError
    when the time is over.
    """

    status = 0
    complete = ended = released = False
    _error: RunnerError | None = None
    _next: asyncio.Future[bytes] | None = None
    _fields: Mapping[bytes, bytes] = _NO_FIELDS
    _waiting = 0
    _paused = False

    def __init__(self, connection: Connection, where: str, limit: int, whole: bool) -> None:
        self.connection = connection
        self.where = where
        self._left = limit
        self._whole = whole
        self._parts: list[bytes] = []
        self.begun: asyncio.Future[bool] = connection.loop.create_future()
        """Done with status and headers (with all of it when asked for as a whole): True.

        False: the connection was closed before any byte came. Fails as iterating does.
        """

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers, names in lower case; the last of a name counts."""
        return {name.lower(): value for name, value in self._fields.items()}

    def header(self, name: str) -> str:
        """The value of a header, empty when there is none."""
        return self.headers.get(name.encode(), b"").decode("latin-1").strip()

    @property
    def encoded(self) -> bool:
        """True when the body is compressed, although nobody asked for that."""
        return self.header("content-encoding").lower() not in ("", "identity")

    # the reader's side --------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> asyncio.Future[bytes]:
        piece = self._next = self.connection.loop.create_future()
        if self._parts:
            piece.set_result(self.read())
        elif self.ended:
            piece.set_exception(self._error or StopAsyncIteration())
        return piece

    def read(self) -> bytes:
        """What has come and was not read yet."""
        parts = self._parts
        data = b"".join(parts)
        parts.clear()
        self._waiting = 0
        if self._paused:
            self._resume()
        return data

    async def whole(self) -> bytes:
        """The whole body."""
        return b"".join([data async for data in self])

    def release(self) -> None:
        """The reader has all it wants: the connection lives on if the answer ends within a second.

        Servers often send the end of an answer apart from its last event.
        """
        if not self.ended:
            self.released, self._left = True, _REMAINDER
            self._parts.clear()
            self.connection.since = 0.0
            if self._paused:
                self._resume()

    def close(self) -> None:
        """Stop reading. The connection is closed unless the answer has ended or was released."""
        if not self.ended and not self.released:
            self._stop(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # the connection's side ----------------------------------------------------------------

    def begin(self, status: int, fields: dict[bytes, bytes]) -> None:
        """The head is complete."""
        self.status, self._fields = status, fields
        if b"content-encoding" in b" ".join(fields).lower() and self.encoded and status < 400:
            coding = self.header("content-encoding")
            self._stop(self._malformed(f"answered in {coding!r}, which nobody asked for"))
        elif not self._whole or status != 200:
            self._whole = False
            if not self.begun.done():
                self.begun.set_result(True)

    def take(self, data: bytes) -> None:
        """More of the body."""
        self._left -= len(data)
        piece = self._next
        if self._left < 0:
            self._stop(self._malformed("sent more than an answer may hold"))
        elif piece is not None and not piece.done():
            piece.set_result(data)
        elif not self.released:
            self._parts.append(data)
            if not self._whole:
                self._wait(len(data))

    def end(self, error: RunnerError | None = None) -> None:
        """Nothing more will come; `error` says why, unless all is well."""
        if self.ended:
            return
        self.ended, self._error = True, error
        if self._paused:
            self._resume()
        if not self.begun.done():
            self.begun.set_result(bool(self.status)) if error is None else self.begun.set_exception(error)
        elif self._next is not None and not self._next.done():
            self._next.set_exception(error or StopAsyncIteration())

    def cut(self) -> None:
        """The server closed the connection in the middle."""
        self.end(
            ProcessingError(
                f"{self.where} closed the connection before its answer was complete. "
                "Send the request again.",
                detail="cut",
            )
        )

    def expire(self, seconds: float) -> None:
        """It took too long."""
        why = f"{self.where} did not complete its answer within {seconds:g} s."
        self._stop(UnavailableError(f"{why} Try again, or raise timeout.", detail="timeout"))

    def _wait(self, size: int) -> None:
        """So many bytes more wait for the reader: read no more when that is too much."""
        self._waiting += size
        if self._waiting > _BEHIND and not self._paused:
            self._paused = True
            self.connection.pause()

    def _resume(self) -> None:
        self._paused = False
        self.connection.resume()

    def _stop(self, error: RunnerError | None) -> None:
        self.end(error)
        self.connection.abort()

    def _malformed(self, what: str) -> ProcessingError:
        return ProcessingError(f"{self.where} {what}.", detail="malformed", retryable=False)
