"""A client's connection: its requests one after the other, and how much goes in and out."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, ClassVar, Protocol, cast

from httptools import HttpRequestParser
from uvicorn import Config
from uvicorn.server import ServerState

from breeze.contracts.clock import Clock, SystemClock, Timer
from breeze.surfaces.http.exchange import Exchange

HIGH_WATER = 64 * 1024
"""Bytes that may wait for the application before the connection is not read any more."""
NOTHING, HEAD, BODY = range(3)


class Application(Protocol):
    """Answers requests."""

    def serve(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer, whatever happens; ends with `exchange.over`."""


class Connection(asyncio.Protocol):
    """`due` is what has to come of the latest request: HEAD, BODY or NOTHING. `latest` and
    `running`: requests, the same one unless a client asks without waiting; both are answered when
    nothing is to be done. `stuck`: the client does not read what is sent; when it takes nothing of
    it for `stuck_seconds`, the connection is cut off.
    """

    clock: ClassVar[Clock] = SystemClock()
    transport: asyncio.Transport
    client = ""
    due = HEAD
    stuck = False
    stuck_seconds = 60.0
    parser: HttpRequestParser
    latest: Exchange
    running: Exchange
    paused = False
    _ahead = 0  # bytes that came while requests waited for their turn
    _quiet_since = 0.0
    _idle: Timer | None = None
    _reads: Timer | None = None

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.config = config
        self.state = server_state
        self.tasks = server_state.tasks
        self.app_state = app_state
        self.app = cast(Application, config.app)
        self.loop = _loop or asyncio.get_running_loop()
        self.parser = HttpRequestParser(self)
        # What follows a request that said it would be the last is no fault: it is not answered.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.latest = self.running = NOBODY
        self.behind: list[Exchange] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.client = str(peer[0])
        self.state.connections.add(self)  # type: ignore[arg-type]  # uvicorn only knows its own
        self._await_idleness(self.config.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        running = self.running
        self.let_go()
        if not running.answered:
            running.leave()
        if exc is None:
            self.transport.close()

    def let_go(self) -> None:
        """The connection is lost, or somebody else's."""
        self.state.connections.discard(self)
        self.latest = self.running = NOBODY
        self.behind.clear()
        del self.parser  # it knows this connection, as this knows it
        for timer in (self._idle, self._reads):
            if timer is not None:
                timer.cancel()

    # requests -----------------------------------------------------------------------------

    def begin(self, exchange: Exchange) -> None:
        """Answer this one now."""
        self.running = exchange
        task = exchange.task = self.loop.create_task(self.app.serve(exchange))
        self.tasks.add(task)

    def go_on(self) -> None:
        """An answer is complete: begin the next one, or wait for it, or close."""
        self._quiet_since = self.clock.now()
        running = self.running
        if not running.keep_alive:
            if running.complete or running.expects:
                self.transport.close()
            else:  # closed amid a body, the connection would take the answer with it
                self.read_on()
        elif self.behind:
            if not self.transport.is_closing():
                self.begin(self.behind.pop(0))
                self.read_on()
        elif self.paused:
            self.read_on()

    def shutdown(self) -> None:
        """Close now, or after the answers that are due."""
        if self.latest.answered:
            self.transport.close()
        else:
            self.latest.keep_alive = False

    @property
    def finished(self) -> bool:
        """Everything is said: at most the other end of a TLS connection has not agreed yet."""
        transport = self.transport
        return transport.is_closing() and not (self.stuck or transport.get_write_buffer_size())

    def hang_up(self) -> None:
        """Close without another word."""
        self.transport.close()
        if not self.running.answered:
            self.running.leave()

    # how much -----------------------------------------------------------------------------

    def hold_back(self, size: int) -> None:
        """`size` bytes came though requests are waiting: read no further when there are many."""
        self._ahead += size
        if self._ahead > HIGH_WATER:
            self.pause()

    def pause(self) -> None:
        """Let the client wait."""
        if not self.paused:
            self.paused = True
            self.transport.pause_reading()

    def read_on(self) -> None:
        """There is room again, unless requests wait for their turn."""
        if self.behind:
            return
        self._ahead = 0
        if self.paused:
            self.paused = False
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        self.stuck = True
        self._await_reading()

    def resume_writing(self) -> None:
        self.stuck = False
        if self._reads is not None:
            self._reads.cancel()
        self.running.wake()

    def _await_reading(self) -> None:
        look = partial(self._look_whether_it_reads, self.transport.get_write_buffer_size())
        self._reads = self.clock.call_later(self.stuck_seconds, look)

    def _look_whether_it_reads(self, before: int) -> None:
        """Next to nothing is written meanwhile: a buffer that stays as it is is not read."""
        if self.transport.get_write_buffer_size() != before:
            self._await_reading()
        else:
            self.transport.abort()

    # how long -----------------------------------------------------------------------------

    def _await_idleness(self, seconds: float) -> None:
        self._idle = self.clock.call_later(seconds, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        """One timer for as long as the connection lives: it is set anew when it was too early."""
        limit = self.config.timeout_keep_alive
        idle = self.latest.answered and self.due == NOTHING
        quiet = self.clock.now() - self._quiet_since if idle else 0.0
        if quiet < limit:
            self._await_idleness(limit - quiet)
        else:
            self.transport.close()


class _Nobody(Exchange):
    """What stands where no request is: one that was answered."""

    complete = answered = keep_alive = True

    def __init__(self) -> None:
        self.pieces = []


NOBODY = _Nobody()
