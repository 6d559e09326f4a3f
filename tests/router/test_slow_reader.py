"""A client that does not read stops its own requests, and nobody's memory grows."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.router import AIResponse, BinaryData, ResponseState
from breeze.service.router import RouterLimits, RouterService
from breeze.service.router_outbox import Outbox
from breeze.testing.clock import settle
from breeze.testing.scripted import Script, Steps
from tests.router.cast import Cast, playing
from tests.router.serving import message, serving
from tests.router.wires import plugged

ASK = b'{"id":"r","text":"go","sessionId":"s","timestamp":1}'
LONG = [TextDelta("x" * 1000)] * 100_000


class Endless(Cast):
    """The brook says a hundred megabytes."""

    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self.text = Script(steps)


async def test_a_client_that_does_not_read_stops_its_request(tmp_path: Path) -> None:
    cast = Endless([*LONG, Finish()])
    async with playing(tmp_path, cast) as engine, serving(RouterService(engine)) as served:
        port = int(served.where.rsplit(":", 1)[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(
            b"GET /v2/router HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert b"101" in await reader.readline()
        for frame in (
            b'{"id":1,"method":"registerListener"}',
            b'{"id":2,"method":"sendMessage","params":%b}' % ASK,
        ):
            head = bytes([0x81, 0x80 | 126]) + len(frame).to_bytes(2, "big") + b"\0\0\0\0"
            writer.write(head + frame)
        sent = -1
        while not cast.text.calls or sent != cast.text.calls[0].sent:  # until it stands still
            sent = cast.text.calls[0].sent if cast.text.calls else -1
            for _ in range(200):
                await settle()
        assert 0 < sent < 20_000  # the sockets' own buffers, and a few dozen
        tracemalloc.start()
        for _ in range(200):
            await settle()
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert cast.text.calls[0].sent == sent
        assert grown < 200_000
        writer.transport.abort()
        await cast.text.calls[0].over.wait()
        assert cast.text.calls[0].closed


async def test_one_that_waits_does_not_hold_up_another(tmp_path: Path) -> None:
    async with playing(tmp_path, Endless([*LONG, Finish()])) as engine:
        service = RouterService(engine)
        slow = service.open()
        stuck, go = asyncio.Event(), asyncio.Event()

        async def never(response: object) -> None:
            stuck.set()
            await go.wait()

        await slow.register_listener(never)
        await slow.send_message(message())
        await stuck.wait()
        async with plugged(service) as wire:
            options = {"request_type": "content_moderation"}
            assert (await wire.ask(options=options))[-1]["text"] == "BLOCKED"
        await service.close()


async def test_large_pieces_count_by_their_bytes() -> None:
    outbox = Outbox(RouterLimits(waiting=50, waiting_bytes=1000))
    sound = BinaryData("audio/pcm", bytes(600))
    piece = AIResponse(
        request_id="r",
        text="",
        is_complete=False,
        state=ResponseState.STREAMING,
        binary_attachments=(sound,),
    )
    waiting = [asyncio.create_task(outbox.put(piece)) for _ in range(5)]
    await settle()
    assert [task.done() for task in waiting] == [True, True, False, False, False]
    assert (await outbox.get()).seq == 1
    await settle()
    assert [task.done() for task in waiting] == [True, True, True, False, False]
    assert [(await outbox.get()).seq for _ in range(4)] == [2, 3, 4, 5]
    assert all(task.done() for task in waiting)
