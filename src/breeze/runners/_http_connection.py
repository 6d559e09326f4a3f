"""One connection to a server: writes a request, reads its answer, and may then serve the next."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from breeze.contracts.errors import ProcessingError
from breeze.runners._http_answer import Answer

_MOST_HEAD = 64 * 1024
"""Bytes that may come without a piece of body: headers, interim answers, trailers."""


class Connection(asyncio.Protocol):
    """`on_idle` is told when it can serve another request, `on_lost` when it is gone."""

    __slots__ = (
        "_answer", "_bad", "_complete", "_feed", "_intact", "_lost", "_on_idle", "_on_lost",
        "_parser", "_parts", "_silent", "_transport", "idle_since", "loop", "on_body",
    )  # fmt: skip

    def __init__(
        self, on_idle: Callable[[Connection], None], on_lost: Callable[[Connection], None]
    ) -> None:
        from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

        self._on_idle = on_idle
        self._on_lost = on_lost
        self._parts: list[bytes] = []
        self.on_body = self._parts.append  # the parser calls it for each piece: no frame of ours
        self._bad = (HttpParserError, HttpParserUpgrade)
        self._parser = HttpResponseParser(self)
        self._feed = self._parser.feed_data
        self._answer: Answer | None = None
        self._complete = self._lost = False
        self._intact = True
        self._silent = 0
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # until it is made
        self.idle_since = 0.0
        self.loop = asyncio.get_running_loop()

    def send(self, request: bytes, answer: Answer) -> None:
        """Begin a request; it goes out in one piece, so that nothing waits for its second half."""
        if self._lost:
            answer.end()
            return
        self._answer, self._complete, self._silent = answer, False, 0
        answer.connection = self
        self._transport.write(request)

    def abort(self) -> None:
        """Close now, whatever is still on the way."""
        self._answer = None
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    # what the event loop tells ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        with suppress(AttributeError, OSError):  # not every transport has a socket to set
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:  # nobody asked
            self._transport.abort()
            return
        try:
            self._feed(data)
        except self._bad as error:
            self._intact = False
            if not self._complete:
                self._fail(answer, f"sent what is no HTTP: {error}")
                return
        parts = self._parts
        if parts:
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            parts.clear()
            self._silent = 0
            answer.take(body)
        else:
            self._silent += len(data)
            if self._silent > _MOST_HEAD and not self._complete:
                self._fail(answer, "sent more headers than an answer may have")
                return
        if self._complete:
            self._finish(answer)
        else:
            answer.wake()

    def eof_received(self) -> None:
        self._lost = True  # asyncio closes the transport next

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._on_lost(self)
        answer, self._answer = self._answer, None
        if answer is None:
            return
        if not answer.status:
            if self._silent:
                answer.cut()
            else:
                answer.end()
        elif exc is None and b"content-length" not in answer.headers and not _chunked(answer):
            answer.end()  # such a body ends with its connection
        else:
            answer.cut()

    # what the parser tells ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:  # its body must not be taken for more of ours
            raise ValueError("more answers than requests")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._answer is not None and not self._answer.status:
            self._answer.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        answer = self._answer
        if answer is not None and not answer.status:
            status = self._parser.get_status_code()
            if status >= 200:
                answer.status = status
            else:  # an interim answer: the real one follows
                answer.headers.clear()

    def on_message_complete(self) -> None:
        answer = self._answer
        if answer is not None and answer.status and not self._complete:
            self._complete = True
            self._intact = self._parser.should_keep_alive()

    def _finish(self, answer: Answer) -> None:
        self._answer = None
        answer.end()
        answer.connection = None
        if self._intact and not self._lost and not self._transport.get_write_buffer_size():
            self._on_idle(self)
        else:
            self._transport.abort()

    def _fail(self, answer: Answer, what: str) -> None:
        self.abort()
        answer.end(ProcessingError(f"{answer.where} {what}.", detail="malformed"))


def _chunked(answer: Answer) -> bool:
    return b"transfer-encoding" in answer.headers
