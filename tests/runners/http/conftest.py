"""Every test here runs on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from breeze.runners._http import HttpClient
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
