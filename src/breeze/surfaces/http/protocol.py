"""HTTP/1.1 on one connection: uvicorn's protocol, with limits that hold before a head is parsed.

The parser has none of its own: without them one endless header fills the memory, and a client
that sends a byte a minute keeps its connection for ever.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from breeze.contracts.errors import InputError, RunnerError, TooLargeError
from breeze.surfaces.http.cycle import Cycle, Lean
from breeze.surfaces.http.problems import reply


class Protocol(Lean):
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

    cycle: Cycle | None  # type: ignore[assignment]  # None before the first
    _in_head = True
    _before = 0  # bytes of this head that came before the present piece
    _piece = 0  # bytes of the present piece
    _mixed = False  # whether the present piece holds the end of an earlier request too
    _received = 0  # bytes of this connection
    _timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.head_seconds, self._late_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._piece = size = len(data)
        self._mixed = False
        self._received += size
        super().data_received(data)
        if self._in_head:
            self._before += size
            if self._before > self.head_bytes:
                self._refuse(_too_long(self.head_bytes))
            elif self._timer is None and not self.transport.is_closing():
                self._timer = self.loop.call_later(self.head_seconds, self._late_head)
        elif self._timer is None and self.cycle is not None and self.cycle.more_body:
            self._watch_body()

    def on_message_begin(self) -> None:
        self._in_head = True
        self._before = -self._piece if self._mixed else 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if len(self.headers) > self.head_lines:
            return self._refuse(_too_many(self.head_lines))
        if self._piece > self.head_bytes or self._before + self._piece > self.head_bytes:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self.head_bytes:
                return self._refuse(_too_long(self.head_bytes))
        self._disarm()
        super().on_headers_complete()
        self._in_head = False

    def on_message_complete(self) -> None:
        self._disarm()
        self._mixed = True
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._disarm()
        if not self.transport.is_closing():
            super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP, or no request that could be answered."""
        self._refuse(InputError(f"{msg} This server speaks HTTP/1.1."))

    def _refuse(self, error: RunnerError) -> None:
        """Answer for the application, which knows nothing of the request, and hang up.

        Nothing is said while another answer is due on this connection, or has begun.
        """
        if self.transport.is_closing():
            return
        live = None if self.cycle is None or self.cycle.response_complete else self.cycle
        if self._in_head:
            next_to_answer = live is None
        else:
            next_to_answer = live is not None and not live.response_started and not self.pipeline
        if next_to_answer:
            self.transport.write(_answer(error, getattr(self, "url", b"")))
        self.transport.close()
        if live is not None:
            live.disconnected = True
            live.message_event.set()

    # too slow -----------------------------------------------------------------------------

    def _watch_body(self) -> None:
        if not self.transport.is_closing():
            self._timer = self.loop.call_later(self.body_seconds, self._look, self._received)

    def _look(self, received: int) -> None:
        """What is left of a body when the answer has gone out may come for one such time."""
        self._timer = None
        cycle = self.cycle
        assert cycle is not None
        waits_for_us = self.flow.read_paused or cycle.waiting_for_100_continue
        slow = self._received - received < self.body_bytes and not waits_for_us
        if slow or cycle.response_complete:
            self._refuse(_too_slow("body"))
        else:
            self._watch_body()

    def _late_head(self) -> None:
        self._timer = None
        self._refuse(_too_slow("head"))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _answer(error: RunnerError, url: bytes) -> bytes:
    made = reply(error, "openai" if url.startswith(b"/v1/") else "native")
    status = STATUS_LINE[made.status]
    headers = b"content-type: %b\r\ncontent-length: %d" % (made.type, len(made.body))
    return b"%b%b\r\nconnection: close\r\n\r\n%b" % (status, headers, made.body)


def _too_long(limit: int) -> RunnerError:
    return TooLargeError(
        f"The head of the request is longer than {limit} bytes: send long values in the body.",
        data={"status": 431, "limit": limit},
    )


def _too_many(limit: int) -> RunnerError:
    return TooLargeError(
        f"The request has more than {limit} headers.", data={"status": 431, "limit": limit}
    )


def _too_slow(part: str) -> RunnerError:
    return InputError(
        f"The {part} of the request came too slowly: send it at once.", data={"status": 408}
    )
