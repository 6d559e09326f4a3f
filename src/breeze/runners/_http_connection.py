"""One connection to a server: writes a request, reads its answer, and may then serve the next."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, cast

from breeze.contracts.errors import ProcessingError
from breeze.runners._http_answer import Answer

_MOST_HEAD = 64 * 1024
"""Bytes that may come without a piece of body: headers, interim answers, trailers."""


class Connection(asyncio.Protocol):
    """`idle` is where it waits for its next request, `on_lost` is told when it is gone.

    `since`: when the client's watch first saw it as it is now, 0 until then.
    """

    __slots__ = (
        "_bad", "_feed", "_fields", "_idle", "_keeps_alive", "_lost", "_on_lost", "_parts",
        "_silent", "_status", "_transport", "_where", "answer", "loop", "on_body", "on_header",
        "since",
    )  # fmt: skip

    def __init__(
        self,
        where: str,
        loop: asyncio.AbstractEventLoop,
        idle: dict[Connection, None],
        on_lost: Callable[[Connection], None],
    ) -> None:
        from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

        self.loop = loop
        self._where = where
        self._idle = idle
        self._on_lost = on_lost
        self._parts: list[bytes] = []
        self._fields: dict[bytes, bytes] = {}
        # The parser calls these two for each piece and each header: no frame of ours.
        self.on_body = self._parts.append
        self.on_header = self._fields.__setitem__
        self._bad = (HttpParserError, HttpParserUpgrade)
        parser = HttpResponseParser(self)
        self._feed: Callable[[bytes], Any] = parser.feed_data
        self._status: Callable[[], int] = parser.get_status_code
        self._keeps_alive: Callable[[], bool] = parser.should_keep_alive
        self._lost = False  # True when it can serve no other request
        self._silent = 0
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # until it is made
        self.answer: Answer | None = None
        self.since = math.inf  # it is not watched while it is being made

    def ask(self, request: bytes, limit: int, whole: bool) -> Answer:
        """Begin a request; it goes out in one piece, so that nothing waits for its second half."""
        answer = Answer(self, self._where, limit, whole, self.loop.create_future())
        if self._lost:
            answer.end()
            return answer
        self.answer = answer
        self._silent = 0
        self.since = 0.0
        self._transport.write(request)
        return answer

    def abort(self) -> None:
        """Close now, whatever is still on the way."""
        self._lost, self.answer = True, None
        if self._transport is not None:
            self._transport.abort()

    def give_up(self) -> None:
        """It did not come about. Not every transport tells so once it is closed."""
        self.abort()
        self._forget_parser()
        self._transport = None  # type: ignore[assignment]  # nobody uses it any more

    def _forget_parser(self) -> None:
        """The parser knows this connection, as this knows it: that circle ends here."""
        self._feed = self._status = self._keeps_alive = _gone

    def pause(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    # what the event loop tells ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._lost:  # it was given up while it was being made
            self._transport.abort()
        with suppress(AttributeError, OSError):  # not every transport has a socket to set
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        answer = self.answer
        if answer is None:  # nobody asked
            self.abort()
            return
        try:
            self._feed(data)
        except self._bad as error:
            self._lost = True
            if not answer.complete:
                self._fail(answer, f"sent what is no HTTP: {error}")
                return
        if self._parts:
            self._silent = 0
            answer.take(self._parts)
        else:
            self._silent += len(data)
            if self._silent > _MOST_HEAD and not answer.complete:
                self._fail(answer, "sent more headers than an answer may have")
                return
        if answer.complete:
            self._finish(answer)

    def eof_received(self) -> None:
        self._lost = True  # asyncio closes the transport next

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._on_lost(self)
        self._forget_parser()
        answer, self.answer = self.answer, None
        if answer is None:
            return
        if not answer.status:
            if self._silent:
                answer.cut()
            else:
                answer.end()
        elif exc is None and not {b"content-length", b"transfer-encoding"} & answer.headers.keys():
            answer.end()  # such a body ends with its connection
        else:
            answer.cut()

    # what the parser tells ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.answer is None or self.answer.complete:  # its body must not be taken for ours
            raise ValueError("more answers than requests")
        self._fields.clear()

    def on_headers_complete(self) -> None:
        answer, status = self.answer, self._status()
        if answer is not None and status >= 200:  # else an interim answer
            answer.status = status
            answer.fields = self._fields.copy()
            if status >= 300 or not answer.whole:
                answer.begin()

    def on_message_complete(self) -> None:
        answer = self.answer
        if answer is not None and answer.status:
            answer.complete = True
            self._lost = not self._keeps_alive()

    def _finish(self, answer: Answer) -> None:
        self.answer = None
        answer.end()
        if self._lost or self._transport.get_write_buffer_size():
            self.abort()
        else:
            self.since = 0.0
            self._idle[self] = None

    def _fail(self, answer: Answer, what: str) -> None:
        self.abort()
        answer.fail(ProcessingError(f"{answer.where} {what}.", detail="malformed"))


def _gone(*_: object) -> NoReturn:
    raise RuntimeError("the connection is gone")
