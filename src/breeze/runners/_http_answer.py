"""One answer of a server while it arrives: status, headers, then the body as it comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import msgspec

from breeze.contracts.errors import ProcessingError, RunnerError, UnavailableError

if TYPE_CHECKING:
    from breeze.runners._http_connection import Connection

_BEHIND = 256 * 1024
"""Bytes that may wait for a slow reader before the socket is no longer read."""
_CODINGS = ("gzip", "x-gzip", "deflate", "compress", "br", "zstd")
_REMAINDER = 4096
"""Bytes that may still come after its reader has left content."""


class Answer(msgspec.Struct, eq=False):
    """Iterate over it for the bytes of the body; what one read of the socket brought is a piece.

    `status` and `headers` are there from the start. When it was asked for as a `whole`, and its
    status is 200 to 299, so is the `body`; then there is nothing to iterate over. Leave by `close`,
    best with `with`: an answer that has not ended takes its connection down with it, at once.
    Iterating raises ProcessingError when the server stopped early (`cut`) or sent more than `left`
    bytes (`malformed`), UnavailableError when the time is over.

    `begun` is done when the answer is there for its reader: True. False: the connection was closed
    before any byte came. It fails as iterating does.
    """

    connection: Connection
    where: str
    left: int
    whole: bool
    begun: asyncio.Future[bool]
    status: int = 0
    fields: dict[bytes, bytes] = {}
    complete: bool = False
    ended: bool = False
    released: bool = False
    error: RunnerError | None = None
    next: asyncio.Future[bytes] | None = None
    parts: list[bytes] = []
    waiting: int = 0
    paused: bool = False

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers, names in lower case; the last of a name counts."""
        return {name.lower(): value for name, value in self.fields.items()}

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
        piece = self.next = self.connection.loop.create_future()
        if self.parts:
            piece.set_result(self._read())
        elif self.ended:
            piece.set_exception(self.error or StopAsyncIteration())
        return piece

    def body(self) -> bytes:
        """All of an answer that was asked for as a whole. Raises ProcessingError: compressed."""
        if self.encoded:
            raise self._coded()
        return b"".join(self.parts)

    def _read(self) -> bytes:
        """What has come and was not read yet."""
        data = b"".join(self.parts)
        self.parts.clear()
        self.waiting = 0
        if self.paused:
            self._resume()
        return data

    def release(self) -> None:
        """The reader has all it wants: the connection lives on if the answer ends within a second.

        Servers often send the end of an answer apart from its last event.
        """
        if not self.ended:
            self.released, self.left = True, _REMAINDER
            self.parts.clear()
            self.connection.since = 0.0
            if self.paused:
                self._resume()

    def close(self) -> None:
        """Stop reading. The connection is closed unless the answer has ended or was released."""
        if not self.ended and not self.released:
            self.end()
            self.connection.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.error = self.next = None  # else an error holds its reader, and that one this answer

    # the connection's side ----------------------------------------------------------------

    def begin(self) -> None:
        """Status and headers are there, and the reader wants them before the body is."""
        self.whole = False
        if self.status < 400 and self.encoded:
            self._stop(self._coded())
        elif not self.begun.done():
            self.begun.set_result(True)

    def take(self, parts: list[bytes]) -> None:
        """More of the body. It takes all the parts out."""
        data = b"".join(parts)
        parts.clear()
        self.left -= len(data)
        if self.left < 0:
            self._stop(self._malformed("sent more than an answer may hold"))
        elif self.whole:
            self.parts.append(data)
        elif (piece := self.next) is not None and not piece.done():
            piece.set_result(data)
        elif not self.released:
            self.parts.append(data)
            self.waiting += len(data)
            if self.waiting > _BEHIND and not self.paused:
                self.paused = True
                self.connection.pause()

    def end(self) -> None:
        """Nothing more will come: `error` says why, unless all is well."""
        self.ended = True
        if not self.begun.done():
            if self.error is None:
                self.begun.set_result(self.status > 0)
            else:
                self.begun.set_exception(self.error)
            return  # nobody iterates yet, and nothing is paused
        if (piece := self.next) is not None and not piece.done():
            piece.set_exception(self.error or StopAsyncIteration())
        if self.paused:
            self._resume()

    def fail(self, error: RunnerError) -> None:
        """Nothing more will come, and this is why."""
        self.error = error
        self.end()

    def cut(self) -> None:
        """The server closed the connection in the middle."""
        self.fail(
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

    def _resume(self) -> None:
        self.paused = False
        self.connection.resume()

    def _stop(self, error: RunnerError) -> None:
        self.fail(error)
        self.connection.abort()

    def _coded(self) -> ProcessingError:
        said = self.header("content-encoding").lower()
        coding = repr(said) if said in _CODINGS else "a form"  # anything may stand there: the key
        return self._malformed(f"answered in {coding}, which nobody asked for")

    def _malformed(self, what: str) -> ProcessingError:
        return ProcessingError(f"{self.where} {what}.", detail="malformed", retryable=False)
