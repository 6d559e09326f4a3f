"""A connection without a network: what is fed to the protocol, and what it writes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from breeze.contracts.clock import Clock
from breeze.surfaces.http.exchange import Exchange
from breeze.surfaces.http.protocol import Protocol

Serve = Callable[[Exchange], Awaitable[None]]


class Memory(asyncio.Transport):
    """The client's end. `written`: one entry for each write. `buffered`: bytes it has not read."""

    buffered = 0

    def __init__(self) -> None:
        super().__init__()
        self.written: asyncio.Queue[bytes] = asyncio.Queue()
        self._reading = True
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.put_nowait(bytes(data))

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True

    def is_reading(self) -> bool:
        return self._reading

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


def connected(serve: Serve, clock: Clock | None = None) -> tuple[Protocol, Memory]:
    """A connection whose requests `serve` answers, and its other end."""

    class Application:
        async def serve(self, exchange: Exchange) -> None:
            await serve(exchange)
            exchange.over()

    facts = {} if clock is None else {"clock": clock}
    config = uvicorn.Config(Application(), log_config=None)  # type: ignore[arg-type]
    protocol: Protocol = type("Timed", (Protocol,), facts)(config, ServerState(), {})
    transport = Memory()
    protocol.connection_made(transport)
    return protocol, transport
