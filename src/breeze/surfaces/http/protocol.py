"""HTTP/1.1 on one connection, with limits that hold before a head is parsed.

The parser has none of its own: without them one endless header fills the memory, and a client
that sends a byte a minute keeps its connection for ever.
"""

from __future__ import annotations

import asyncio
from functools import partial

from httptools import HttpParserError, HttpParserUpgrade

from breeze.contracts.clock import Timer
from breeze.contracts.errors import RunnerError
from breeze.surfaces.http.connection import BODY, HEAD, HIGH_WATER, NOTHING, Connection
from breeze.surfaces.http.exchange import Exchange
from breeze.surfaces.http.refusal import (
    no_proxy,
    refusal,
    too_long,
    too_many,
    too_slow,
    too_soon,
    unreadable,
)
from breeze.surfaces.http.reply import Headers
from breeze.surfaces.http.upgrade import hand_over, head, wants_socket


class Protocol(Connection):
    """One client's connection. Pass it to uvicorn as `http=`; subclass it for other limits.

    `head_bytes`, `head_lines`: the most of a request's head, else 431. `head_seconds`: for the
    whole head, else 408. A body must bring `body_bytes` or its end in every `body_seconds`, else
    408; time in which the server itself does not read does not count.
    """

    head_bytes = 64 * 1024
    head_lines = 100
    head_seconds = 30.0
    body_bytes = 4096
    body_seconds = 20.0

    _url = b""
    _pairs: Headers
    _upgrades = False  # the latest request wants to be a WebSocket
    _before = 0  # bytes of this head, or since the last of a body, before the present piece
    _piece = 0  # bytes of the present piece
    _mixed = False  # whether the present piece holds a body, or the end of a request, too
    _received = 0  # bytes that came while the timer was running
    _timer: Timer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._timer = self.clock.call_later(self.head_seconds, self._late_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._piece, self._mixed = len(data), False
        if self._timer is not None:
            self._received += len(data)
        while data:
            try:
                self.parser.feed_data(data)
            except HttpParserError as error:
                self._refuse(unreadable(error))
            except HttpParserUpgrade as stop:
                if self._upgrades:
                    self._disarm()
                    return hand_over(self, self._url)
                # The parser takes no body with an upgrade, so it reads on without the wish.
                data = self._plain_head() + data[stop.args[0] :]
                continue
            break
        if self.running.waiter is not None:
            self.running.wake()
        if self.due or self.behind:
            self._expect_more()

    # what the parser finds ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.due = HEAD
        self._url, self._pairs = b"", []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._pairs.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        pairs, parser = self._pairs, self.parser
        if len(pairs) > self.head_lines or self._before + self._piece > self.head_bytes:
            self._check_head()
        if self._timer is not None:
            self._disarm()
        version, method = parser.get_http_version(), parser.get_method().decode()
        exchange = Exchange(self, method, version, self._url, pairs)
        if parser.should_upgrade():
            self._check_upgrade(exchange)
            if not self._upgrades:
                return
        before, self.latest = self.latest, exchange
        if not before.answered:
            self.behind.append(exchange)
        elif not self._upgrades:
            self.begin(exchange)
        self.due = BODY

    def on_body(self, body: bytes) -> None:
        self._before, self._mixed = 0, True
        exchange = self.latest
        if not exchange.answered:
            exchange.pieces.append(body)
            exchange.size += len(body)

    def on_message_complete(self) -> None:
        self.due, self._mixed = NOTHING, True
        if self._timer is not None:
            self._disarm()
        latest = self.latest
        latest.complete = True
        if latest.answered and not latest.keep_alive:
            self.transport.close()

    def _plain_head(self) -> bytes:
        pairs = [pair for pair in self._pairs if pair[0] != b"upgrade"]
        parser = self.parser
        return head(parser.get_method(), self._url, parser.get_http_version(), pairs)

    def _check_upgrade(self, exchange: Exchange) -> None:
        if exchange.method == "CONNECT":
            raise no_proxy()
        self._upgrades = wants_socket(exchange.headers) and bool(self.config.ws_protocol_class)
        if self._upgrades and not self.latest.answered:
            raise too_soon()

    # limits -------------------------------------------------------------------------------

    def _check_head(self) -> None:
        if len(self._pairs) > self.head_lines:
            raise too_many(self.head_lines)
        size = len(self._url) + sum(len(name) + len(value) + 4 for name, value in self._pairs)
        if size > self.head_bytes:
            raise too_long(self.head_bytes)

    def _expect_more(self) -> None:
        """Something is still to come, or has come before its turn."""
        if self.transport.is_closing():
            return
        if self.behind:
            self.hold_back(self._piece)
        if self.due == NOTHING:
            return
        self._before += 0 if self._mixed else self._piece
        if self._before > self.head_bytes:  # of a head, or of headers behind a body
            self._refuse(too_long(self.head_bytes))
        elif self.due == HEAD:
            if self._timer is None:
                self._timer = self.clock.call_later(self.head_seconds, self._late_head)
        else:
            if self.latest.unread > HIGH_WATER and not self.latest.answered:
                self.pause()
            if len(self._pairs) > self.head_lines:  # behind a body may come more of them
                self._refuse(too_many(self.head_lines))
            elif self._timer is None:
                self._watch_body()

    def _watch_body(self) -> None:
        look = partial(self._look, self._received)
        self._timer = self.clock.call_later(self.body_seconds, look)

    def _look(self, received: int) -> None:
        """What is left of a body when the answer has gone out may come for one such time."""
        self._timer = None
        if self.transport.is_closing():
            return
        latest = self.latest
        waits_for_us = self.paused or (latest.expects and not latest.begun)
        slow = self._received - received < self.body_bytes and not waits_for_us
        if slow or latest.answered:
            self._refuse(too_slow("body"))
        else:
            self._watch_body()

    def _late_head(self) -> None:
        self._timer = None
        self._refuse(too_slow("head"))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._before = None, 0

    def _refuse(self, error: RunnerError) -> None:
        """Answer for the application, which knows nothing of the request, and hang up.

        Nothing is said while another answer is due on this connection, or has begun.
        """
        if self.transport.is_closing():
            return
        latest = self.latest
        if self.due == HEAD:
            next_to_answer = latest.answered
        else:
            next_to_answer = latest is self.running and not (latest.begun or latest.answered)
        if next_to_answer:
            self.transport.write(refusal(error, self._url))
        self.hang_up()
