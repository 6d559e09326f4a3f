"""What a stream writes: few writes for many pieces, and nothing of it lost when it breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from breeze.contracts.errors import ProcessingError
from breeze.surfaces.http.exchange import Exchange
from breeze.surfaces.http.reply import SSE, Stream
from breeze.surfaces.http.sending import send_stream
from tests.http.memory import Memory, connected
from tests.http.raw import request

END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def sent(pieces: AsyncGenerator[bytes]) -> tuple[list[bytes], Memory]:
    """What went out after the head, one entry for each write."""

    async def serve(exchange: Exchange) -> None:
        try:
            await send_stream(exchange, Stream(pieces, SSE))
        except ProcessingError:
            return

    protocol, client = connected(serve)
    protocol.data_received(request("GET", "/"))
    await protocol.latest.task
    protocol.connection_lost(None)
    _, *written = [client.written.get_nowait() for _ in range(client.written.qsize())]
    return written, client


async def test_what_comes_in_one_turn_of_the_loop_goes_out_together() -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        for word in (b"once ", b"upon ", b"a "):
            yield word
        await asyncio.sleep(0)
        yield b"time"

    assert (await sent(pieces()))[0] == [chunk(b"once upon a "), chunk(b"time"), END]


async def test_a_producer_that_never_waits_is_not_collected_without_bounds() -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    written, _ = await sent(pieces())
    assert max(map(len, written)) < 300_000
    assert sum(map(len, written)) > 1_000_000


async def test_what_came_before_a_break_is_sent_and_the_end_is_missing() -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        yield b"once "
        yield b"upon"
        raise ProcessingError("The line went dead.")

    written, client = await sent(pieces())
    assert written == [chunk(b"once upon")]
    assert client.closed
