"""A stream that is silent for long says that it still lives, and no client takes it for more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from breeze.surfaces.http.exchange import Exchange
from breeze.surfaces.http.reply import NDJSON, SSE, Stream
from breeze.surfaces.http.sending import send_stream
from tests.http.memory import connected
from tests.http.raw import request


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize(("type", "sign"), [(SSE, b": \n\n"), (NDJSON, b"\n")])
async def test_a_silent_stream_gives_signs_of_life(type: bytes, sign: bytes) -> None:
    release = asyncio.Event()

    async def pieces() -> AsyncGenerator[bytes]:
        yield b"first"
        await release.wait()
        yield b"last"

    async def serve(exchange: Exchange) -> None:
        await send_stream(exchange, Stream(pieces(), type), 0.01)

    protocol, client = connected(serve)
    protocol.data_received(request("GET", "/"))
    assert (await client.written.get()).startswith(b"HTTP/1.1 200 OK\r\n")
    assert [await client.written.get() for _ in range(3)] == [chunk(b"first"), *[chunk(sign)] * 2]
    release.set()
    await protocol.latest.task
    left = [client.written.get_nowait() for _ in range(client.written.qsize())]
    assert left[-2:] == [chunk(b"last"), b"0\r\n\r\n"]
    assert set(left[:-2]) <= {chunk(sign)}
    protocol.connection_lost(None)


async def test_sound_has_none() -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        yield b"a"
        for _ in range(20):
            await asyncio.sleep(0)
        yield b"b"

    async def serve(exchange: Exchange) -> None:
        await send_stream(exchange, Stream(pieces(), b"audio/mpeg"), 0)

    protocol, client = connected(serve)
    protocol.data_received(request("GET", "/"))
    await protocol.latest.task
    sent = [client.written.get_nowait() for _ in range(client.written.qsize())]
    assert sent[1:] == [chunk(b"a"), chunk(b"b"), b"0\r\n\r\n"]
    protocol.connection_lost(None)
