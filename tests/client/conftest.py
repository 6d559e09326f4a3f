"""A real server on a free port, and a raw one that says whatever a test wants it to say."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from breeze.client import Client
from breeze.engine.engine import Engine
from breeze.surfaces.http.app import App
from breeze.surfaces.http.native import requests, stream
from breeze.surfaces.http.routes import Table
from breeze.surfaces.http.table import TABLE

Serve = Callable[..., AbstractAsyncContextManager["Server"]]
_ROUTES = {(r.method, r.path): r for r in (*TABLE.routes, *stream.ROUTES, *requests.ROUTES)}


class Server:
    """A server that is running, and the engine behind it."""

    def __init__(self, url: str, app: App) -> None:
        self.url = url
        self.app = app

    @property
    def engine(self) -> Engine:
        return self.app.engine

    def client(self, **how: Any) -> Client:
        """A client of it."""
        return Client(self.url, **how)


@asynccontextmanager
async def serving(home: Path, **options: Any) -> AsyncIterator[Server]:
    """Serve an engine on 127.0.0.1; `options` are those of `Engine.open`, `app` those of `App`."""
    app_options = options.pop("app", {})
    async with Engine.open(home=home, environ={}, **options) as engine:
        app = App(engine, Table(_ROUTES.values()), **app_options)
        listener = socket.socket(proto=socket.IPPROTO_TCP)  # so that small writes leave at once
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="error", lifespan="off", access_log=False)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.001)
        try:
            yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", app)
        finally:
            await app.relays.aclose()
            server.should_exit = True
            await running
            listener.close()


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """`async with serve(runners=[…], config=…) as server:`"""

    def start(**options: Any) -> AbstractAsyncContextManager[Server]:
        return serving(tmp_path, **options)

    return start


HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """`data` as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def lines(*messages: bytes) -> bytes:
    """Messages as NDJSON, in one chunk."""
    return chunk(b"".join(message + b"\n" for message in messages))


Turn = bytes | Callable[[], Awaitable[object]]
"""Bytes to send, or something to await."""


class Raw:
    """A server that does as it is told: connection number i gets answer i, then it is closed."""

    def __init__(self, *answers: tuple[Turn, ...]) -> None:
        self.answers = answers
        self.asked: list[bytes] = []
        self.left = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
            self.asked.append(head)
            for turn in answer:
                if isinstance(turn, bytes):
                    writer.write(turn)
                    await writer.drain()
                else:
                    await turn()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()


@asynccontextmanager
async def raw(*answers: tuple[Turn, ...]) -> AsyncIterator[Raw]:
    """Run a raw server for the time of the block."""
    server = Raw(*answers)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()
