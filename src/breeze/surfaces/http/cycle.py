"""One request and its response on a connection, as light as it can be.

The protocol is uvicorn's. `Cycle` takes the place of its `RequestResponseCycle` and differs in
what costs: no event object, no log line, and the head and the first bytes of the body in one
write (two writes of a small answer are two system calls, more than the rest of sending it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar
from urllib.parse import unquote

from httptools import parse_url
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from breeze.contracts.clock import Clock, SystemClock, Timer


class Lean(HttpToolsProtocol):
    """uvicorn's protocol with light cycles and shared timers."""

    clock: ClassVar[Clock] = SystemClock()
    _running: Cycle | None = None  # behind it may be others that were sent meanwhile

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.loop = _Timers(self.loop, self.clock)  # type: ignore[assignment]
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.set()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """The head is there: begin to answer, or wait until the answer before is complete."""
        parser, scope = self.parser, self.scope
        scope["method"] = parser.get_method().decode("ascii")
        version = scope["http_version"] = parser.get_http_version()
        if parser.should_upgrade() and self._should_upgrade():
            return
        url = parse_url(self.url)
        path = url.path.decode("ascii")
        scope["raw_path"], scope["query_string"] = url.path, url.query or b""
        scope["path"] = unquote(path) if "%" in path else path
        before: Any = self.cycle
        cycle: Any = Cycle(self, keep_alive=version != "1.0" and parser.should_keep_alive())
        self.cycle = cycle
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)


class _Timers:
    """What the protocol wants of the loop; most of its timers are cancelled before their time."""

    __slots__ = ("_clock", "create_task")

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self.create_task = loop.create_task
        self._clock = clock

    def call_later(self, delay: float, callback: Callable[..., object], *more: object) -> Timer:
        return self._clock.call_later(delay, partial(callback, *more) if more else callback)


class Cycle:
    """ASGI's `receive` and `send` for one request; the attributes are those uvicorn looks at."""

    __slots__ = (
        "_head", "_headers", "_on_response", "_waiter", "_woken", "body", "chunked", "disconnected",
        "flow", "keep_alive", "left", "more_body", "response_complete", "response_started", "scope",
        "transport", "waiting_for_100_continue",
    )  # fmt: skip

    def __init__(self, connection: Lean, *, keep_alive: bool) -> None:
        self.scope = connection.scope
        self.transport = connection.transport
        self.flow = connection.flow
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = connection.expect_100_continue
        self.body, self.more_body = bytearray(), True
        self.disconnected = self.response_started = self.response_complete = False
        self.chunked: bool | None = None
        self.left = 0
        self._headers = connection.server_state.default_headers
        self._on_response: Callable[[], object] = connection.on_response_complete
        self._head = b""
        self._waiter: asyncio.Future[None] | None = None
        self._woken = False

    @property
    def message_event(self) -> Cycle:
        """What uvicorn sets when something has come."""
        return self

    def set(self) -> None:
        """Something has come: part of the body, its end, or the client's leaving."""
        self._woken = True
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def run_asgi(self, app: Any) -> None:
        """The task of this request. A response without an end takes its connection with it."""
        try:
            await app(self.scope, self.receive, self.send)
        finally:
            self._on_response = _nothing
            if not self.response_complete and not self.disconnected:
                self.transport.close()

    async def receive(self) -> dict[str, Any]:
        """ASGI's."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not self.disconnected and not self.response_complete:
            self.flow.resume_reading()
            if not self._woken:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
            self._woken = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Any) -> None:
        """ASGI's; names of headers in lower case. Raises RuntimeError for what is no response."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected or self.response_complete:
            return
        if message["type"] == "http.response.start":
            self._begin(message["status"], message.get("headers", ()))
        else:
            self._write(message.get("body", b""), more=message.get("more_body", False))

    def _begin(self, status: int, headers: Any) -> None:
        self.response_started, self.waiting_for_100_continue = True, False
        lines = [STATUS_LINE[status]]
        for name, value in (*self._headers, *headers):
            lines.append(b"%b: %b\r\n" % (name, value))
            if name == b"content-length":
                self.chunked, self.left = False, int(value)
        if self.chunked is None and status not in (204, 304) and self.scope["method"] != "HEAD":
            self.chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        self._head = head = b"".join(lines) + b"\r\n"
        if not head.count(b"\n") == head.count(b"\r") == len(lines) + 1:
            raise RuntimeError("a header holds a line break")
        if self.chunked:  # nobody waits for the head because the body is slow
            asyncio.get_running_loop().call_soon(self._write_head)

    def _write_head(self) -> None:
        if self._head and not self.disconnected:
            self.transport.write(self._head)
            self._head = b""

    def _write(self, body: bytes, *, more: bool) -> None:
        head, self._head = self._head, b""
        if self.scope["method"] == "HEAD":
            body, self.left = b"", 0
        elif self.chunked:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if not more:
                body += b"0\r\n\r\n"
        else:
            self.left -= len(body)
        if head or body:
            self.transport.write(head + body)
        if not more:
            self._complete()

    def _complete(self) -> None:
        if self.left:
            raise RuntimeError("the body is not as long as its content-length says")
        self.response_complete = True
        self.set()
        if not self.keep_alive:
            self.transport.close()
        self._on_response()


def _nothing() -> None:
    """The connection has gone on without this request."""
