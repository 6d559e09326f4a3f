"""Every test here runs on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Protocol

import pytest

from breeze.runners._http import LARGEST, HttpClient
from tests.runners.standin import StandIn

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories() -> dict[str, LoopFactory]:
    import uvloop

    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving() as server:
        yield server


@pytest.fixture
async def client(server: StandIn) -> AsyncIterator[HttpClient]:
    client = HttpClient(server.url, {"authorization": "Bearer k-1"})
    yield client
    await client.close()


class Ask(Protocol):
    """Asks with a body, and gives the body of the answer."""

    def __call__(
        self, client: HttpClient, body: bytes = b"{}", limit: int = LARGEST
    ) -> Coroutine[None, None, bytes]: ...


async def in_pieces(client: HttpClient, body: bytes = b"{}", limit: int = LARGEST) -> bytes:
    with await client.post("/ask", body, limit=limit) as answer:
        return b"".join([piece async for piece in answer])


async def at_once(client: HttpClient, body: bytes = b"{}", limit: int = LARGEST) -> bytes:
    with await client.post("/ask", body, limit=limit, whole=True) as answer:
        return answer.body()


@pytest.fixture(params=[in_pieces, at_once])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Both ways to read an answer."""
    found: Ask = request.param
    return found
