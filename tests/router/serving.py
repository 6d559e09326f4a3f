"""A real server in front of a router service, on TCP and on a Unix socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn

from breeze.contracts.errors import AuthenticationError
from breeze.contracts.router import AIRequest
from breeze.service.access import Principal, Role
from breeze.service.router import RouterService
from breeze.surfaces.http.native.router import refuse_socket, router_socket


class Served:
    """Where the service is reached. `cut` breaks every connection, as a lost network does."""

    def __init__(self, service: RouterService, server: uvicorn.Server, where: str) -> None:
        self.service = service
        self.where = where
        self._server = server

    def cut(self) -> None:
        for connection in tuple(self._server.server_state.connections):
            connection.transport.abort()


class _Server(uvicorn.Server):
    """Tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def principal_of(scope: dict[str, Any]) -> Principal:
    """Keys of the tests: the key is the name, `root` operates, `stranger` is not let in."""
    headers = dict(scope["headers"])
    name = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
    return Principal(name, Role.OPERATE if name == "root" else Role.USE)


@asynccontextmanager
async def serving(service: RouterService, *, uds: Path | None = None) -> AsyncIterator[Served]:
    """`service` at a free port of this machine, or at a Unix socket."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["path"] == "/v2/router"
        principal = principal_of(scope)
        if principal.name == "stranger":
            await refuse_socket(receive, send, AuthenticationError("This key is not known."))
        else:
            await router_socket(service, scope, receive, send, principal)

    config = uvicorn.Config(
        app, lifespan="off", log_level="error", ws="websockets-sansio", uds=str(uds or "") or None
    )
    listener = None if uds else socket.create_server(("127.0.0.1", 0))
    server = _Server(config)
    started = asyncio.create_task(server.serve([listener] if listener else None))
    await server.ready.wait()
    where = str(uds) if listener is None else f"ws://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield Served(service, server, where)
    finally:
        server.should_exit = True
        await started
        await service.close()


def message(request_id: str = "r1", text: str = "Hi", **fields: Any) -> AIRequest:
    """A request of a client of version 2."""
    how: dict[str, Any] = {"session_id": "s1", "timestamp": 1, "api_version": 2}
    return AIRequest(id=request_id, text=text, **(how | fields))
