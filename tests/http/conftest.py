"""A real server on a free port of this machine, with the engine that a test wants behind it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from openai import AsyncOpenAI

from breeze.client import Client
from breeze.engine.engine import Engine
from breeze.surfaces.http.app import App
from breeze.surfaces.http.protocol import Protocol
from breeze.surfaces.http.table import TABLE
from breeze.testing.scripted import Script, scripted

Serve = Callable[..., AbstractAsyncContextManager["Server"]]


class Server:
    """A server that is running. `url` ends without a slash."""

    def __init__(self, url: str, app: App) -> None:
        self.url = url
        self.app = app

    @property
    def engine(self) -> Engine:
        return self.app.engine

    def client(self, **how: Any) -> Client:
        """Our own client of it."""
        return Client(self.url, **how)


@asynccontextmanager
async def serving(home: Path, **options: Any) -> AsyncIterator[Server]:
    """Serve an engine on a free port of 127.0.0.1.

    `options` are those of `Engine.open`; `app`: those of `App`; `protocol`: another than ours.
    """
    app_options = options.pop("app", {})
    protocol = options.pop("protocol", Protocol)
    async with Engine.open(home=home, environ={}, **options) as engine:
        app = App(engine, TABLE, **app_options)
        listener = socket.socket(proto=socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(app, http=protocol, log_level="error", lifespan="off", access_log=False)
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.001)
        try:
            yield Server(f"http://127.0.0.1:{port}", app)
        finally:
            await app.close()
            server.should_exit = True
            await serving
            listener.close()


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """`async with serve(runners=[…], config=…) as server:`"""

    def start(**options: Any) -> AbstractAsyncContextManager[Server]:
        return serving(tmp_path, **options)

    return start


@asynccontextmanager
async def official(
    serve: Serve, name: str, method: str, *lines: Any, **options: Any
) -> AsyncIterator[tuple[Server, AsyncOpenAI]]:
    """A server and the official client; with `lines`, a runner `name` that follows them."""
    runners = [scripted(name, Script(*lines), method)] if lines else []
    async with serve(runners=runners, **options) as server:
        url = f"{server.url}/v1"
        async with AsyncOpenAI(base_url=url, api_key="-", max_retries=0) as client:
            yield server, client
