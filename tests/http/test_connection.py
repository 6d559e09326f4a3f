"""One connection over time: when it is kept, when it is closed, how much it takes in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from breeze.surfaces.http.exchange import Exchange
from breeze.surfaces.http.reply import SSE, Reply, Stream
from breeze.testing.clock import ManualClock
from tests.http.memory import connected
from tests.http.raw import request

ASK = request("POST", "/", b"x" * 10)
KEPT = 5.0
"""Seconds for which uvicorn keeps an idle connection, unless it is told otherwise."""


async def at_once(exchange: Exchange) -> None:
    exchange.reply(Reply(exchange.take()))


async def nothing() -> AsyncGenerator[bytes]:
    yield b""


async def test_an_idle_connection_is_kept_for_a_while_after_its_last_answer() -> None:
    clock = ManualClock()
    protocol, client = connected(at_once, clock)
    for _ in range(3):
        protocol.data_received(ASK)
        await protocol.latest.task
        await clock.advance(KEPT * 0.9)
        assert not client.closed
    await clock.advance(KEPT * 0.2)
    assert client.closed


async def test_a_connection_at_work_is_not_idle() -> None:
    clock, release = ManualClock(), asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await release.wait()
        exchange.reply(Reply(b""))

    protocol, client = connected(late, clock)
    protocol.data_received(ASK)
    await clock.advance(KEPT * 10)
    assert not client.closed
    release.set()
    await protocol.latest.task
    await clock.advance(KEPT * 0.9)
    assert not client.closed
    await clock.advance(KEPT * 0.2)
    assert client.closed


async def test_a_client_that_reads_nothing_any_more_is_cut_off_and_a_slow_one_is_not() -> None:
    clock = ManualClock()

    async def much(exchange: Exchange) -> None:
        exchange.begin(Stream(nothing(), SSE))
        protocol.pause_writing()  # as transports do when too much waits
        await exchange.drained()

    protocol, client = connected(much, clock)
    client.buffered = 100_000
    protocol.data_received(ASK)
    await asyncio.sleep(0)
    for _ in range(5):
        await clock.advance(protocol.stuck_seconds * 0.9)
        client.buffered -= 1
        assert not client.closed
    await clock.advance(protocol.stuck_seconds * 2)
    assert client.closed
    protocol.connection_lost(None)
    await asyncio.sleep(0)
    assert not protocol.tasks


async def test_who_asks_and_asks_without_waiting_is_read_no_further_for_a_while() -> None:
    release = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await release.wait()
        await at_once(exchange)

    protocol, client = connected(late)
    sent = 0
    while client.is_reading():
        protocol.data_received(ASK)
        sent += 1
        assert sent * len(ASK) < 100_000
    release.set()
    answers = [await client.written.get() for _ in range(sent)]
    assert all(answer.startswith(b"HTTP/1.1 200 OK\r\n") for answer in answers)
    assert client.is_reading()
    protocol.connection_lost(None)


async def test_a_body_that_nobody_reads_yet_is_taken_in_as_far_as_it_may_wait() -> None:
    release = asyncio.Event()
    read = 0

    async def late(exchange: Exchange) -> None:
        nonlocal read
        await release.wait()
        while not exchange.complete:
            read += len(await exchange.more())
        exchange.reply(Reply(b""))

    protocol, client = connected(late)
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 200000\r\n\r\n")
    while client.is_reading():
        protocol.data_received(bytes(10_000))
        await asyncio.sleep(0)
    assert protocol.latest.unread < 100_000
    release.set()
    while not protocol.latest.complete:
        await asyncio.sleep(0)
        if client.is_reading():
            protocol.data_received(bytes(10_000))
    await protocol.latest.task
    assert read + protocol.latest.unread == 200_000
    protocol.connection_lost(None)


async def test_what_is_left_of_a_body_after_its_answer_is_read_and_thrown_away() -> None:
    async def early(exchange: Exchange) -> None:
        exchange.reply(Reply(b"", status=413))

    protocol, client = connected(early)
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 200000\r\n\r\n")
    protocol.data_received(bytes(100_000))
    assert not client.is_reading()
    await protocol.latest.task
    for _ in range(10):
        assert client.is_reading()
        protocol.data_received(bytes(10_000))
    protocol.data_received(ASK)
    await protocol.latest.task
    answers = [client.written.get_nowait() for _ in range(client.written.qsize())]
    assert [answer[9:12] for answer in answers] == [b"413", b"413"]
    protocol.connection_lost(None)


async def test_the_work_hears_of_a_leaving_at_once() -> None:
    left = asyncio.Event()

    async def work(exchange: Exchange) -> None:
        exchange.stop = left.set
        await left.wait()

    protocol, client = connected(work)
    protocol.data_received(ASK * 3)
    await asyncio.sleep(0)
    task = protocol.running.task
    protocol.connection_lost(ConnectionResetError())
    assert left.is_set()
    await task
    assert client.written.empty()  # nobody is there to read, and the others are never begun


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb", b"\n"])
async def test_a_header_with_a_line_break_is_not_sent(value: bytes) -> None:
    refused = asyncio.Event()

    async def careless(exchange: Exchange) -> None:
        with pytest.raises(RuntimeError):
            exchange.reply(Reply(b"", headers=[(b"x-given", value)]))
        refused.set()

    protocol, client = connected(careless)
    protocol.data_received(ASK)
    await refused.wait()
    await asyncio.sleep(0)
    assert client.closed
    assert client.written.empty()
    protocol.connection_lost(None)


async def test_headers_behind_a_body_are_no_headers_and_not_without_end() -> None:
    heads = []

    async def look(exchange: Exchange) -> None:
        while not (exchange.complete or exchange.left):
            await exchange.more()
        heads.append(exchange.headers)
        exchange.reply(Reply(b""))

    protocol, client = connected(look)
    begun = (
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    )
    protocol.data_received(begun + b"authorization: late\r\n\r\n")
    await protocol.latest.task
    assert list(heads[0]) == [b"host", b"transfer-encoding"]
    protocol.data_received(begun + b"".join(b"x-%d: 1\r\n" % i for i in range(200)))
    assert client.closed
    protocol.connection_lost(None)


async def test_a_websocket_is_not_begun_amid_answers() -> None:
    release = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await release.wait()

    protocol, client = connected(late)
    protocol.data_received(ASK)
    protocol.data_received(request("GET", "/v2/router", connection="Upgrade", upgrade="websocket"))
    assert client.closed
    assert client.written.empty()
    release.set()
    await protocol.running.task
    protocol.connection_lost(None)
