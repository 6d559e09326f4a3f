"""Runs the application on uvicorn, to an end in which every request gets its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import msgspec
import uvicorn

from breeze.surfaces.http.app import App
from breeze.surfaces.http.problems import stopped
from breeze.surfaces.http.protocol import Protocol

_LAST_WORDS = 2.0
"""Seconds in which cancelled requests may still say so to their clients."""
_POLL = 0.02


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """How the live requests ended after the server was told to stop."""

    finished: int = 0
    cancelled: int = 0


class Server(uvicorn.Server):
    """uvicorn's server with another end: live requests finish within `limit` seconds, or are told.

    The first of `signals` stops it so; the second one stops it at once, or `hurry` does where that
    is given. With `parent`, the id of the process that started it, it stops when that one has died.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        app: App,
        limit: float,
        *,
        signals: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM),
        hurry: signal.Signals | None = None,
        parent: int | None = None,
    ) -> None:
        super().__init__(config)
        self.app = app
        self.stopped = Stopped()
        self._limit = limit
        self._signals = signals if hurry is None else (*signals, hurry)
        self._hurry = hurry
        self._parent = parent
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._ready = asyncio.Event()

    async def ready(self) -> None:
        """Wait until it accepts connections."""
        await self._ready.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours, and afterwards what was there before; no signal is raised again."""
        before = {number: signal.signal(number, self.handle_exit) for number in self._signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        self.force_exit |= self.should_exit if self._hurry is None else sig == self._hurry
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._stop.set)

    async def main_loop(self) -> None:
        """Until the stop; once a second the Date header is made anew."""
        self._ready.set()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stop.wait()

    async def on_tick(self, counter: int) -> bool:
        """Once a second. True when it is to stop."""
        orphan = self._parent is not None and os.getppid() != self._parent
        return await super().on_tick(counter) or orphan

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nobody, let the live finish, tell the others, close everything."""
        self.app.stopping = True
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        live = len(self.app.engine.live)
        self._close_idle()
        await self._drained(self._limit)
        cancelled = sum(map(self._cancel, self.app.engine.live))
        await self._drained(0.0 if not cancelled else _LAST_WORDS, force=True)
        self.stopped = Stopped(max(0, live - cancelled), cancelled)
        await self._cut_silent()
        await super().shutdown(sockets)

    def _close_idle(self) -> None:
        """Connections without a request close now, those with one after their answer."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, Protocol):
                connection.shutdown()

    async def _cut_silent(self) -> None:
        """A TLS client that says nothing to our goodbye would be waited for."""
        await asyncio.sleep(_POLL)  # what was written last is on its way
        for connection in list(self.server_state.connections):
            if isinstance(connection, Protocol) and connection.finished:
                connection.transport.abort()

    async def _drained(self, seconds: float, *, force: bool = False) -> None:
        """Wait until nothing is under way, at most so long; after a second signal only by force.

        Sockets of the router stay open meanwhile: their requests are among the engine's.
        """
        until = self._loop.time() + seconds
        while self._busy() and self._loop.time() < until and (force or not self.force_exit):
            await asyncio.sleep(_POLL)
            self._close_idle()  # those too that were accepted and not yet known

    def _busy(self) -> bool:
        connections = self.server_state.connections
        return bool(self.app.engine.live) or any(
            isinstance(c, Protocol) and not c.finished for c in connections
        )

    def _cancel(self, request_id: str) -> bool:
        return self.app.engine.cancel(request_id, stopped())
