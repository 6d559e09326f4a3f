"""Requests that are rare and right, or rare and wrong: none of them is read as another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from breeze.surfaces.http.exchange import Exchange
from breeze.surfaces.http.reply import Reply, Stream
from breeze.surfaces.http.sending import send_stream
from tests.http.conftest import Serve
from tests.http.memory import Memory, connected
from tests.http.raw import Wire, request

POST = b"POST /first HTTP/1.1\r\nhost: localhost\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
INNER = request("GET", "/inner")
BODIES = {
    "none": b"\r\n",
    "length": b"content-length: %d\r\n\r\n%b" % (len(INNER), INNER),
    "chunks": b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
}


async def echo(exchange: Exchange) -> None:
    body = b""
    while not exchange.complete:
        body += await exchange.more()
    exchange.reply(Reply(exchange.path.encode() + b" " + body + exchange.take()))


async def said(client: Memory, count: int) -> list[bytes]:
    """The bodies of the next answers."""
    answers = [await asyncio.wait_for(client.written.get(), 5) for _ in range(count)]
    return [answer.partition(b"\r\n\r\n")[2] for answer in answers]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("size", [1, 50, 10_000])
async def test_a_wish_for_another_protocol_is_passed_over(body: bytes, size: int) -> None:
    """Java's client says it with every request; the body is a body, and no request."""
    protocol, client = connected(echo)
    sent = POST + UPGRADE + body + request("GET", "/second")
    for i in range(0, len(sent), size):
        protocol.data_received(sent[i : i + size])
    first, second = await said(client, 2)
    assert first.startswith(b"/first ")
    assert (len(first) > 7) is (body != BODIES["none"])
    assert second == b"/second "
    assert client.written.empty()
    protocol.connection_lost(None)


async def test_headers_behind_a_body_do_not_fill_the_memory() -> None:
    protocol, client = connected(echo)
    protocol.data_received(CHUNKED + b"1\r\nx\r\n0\r\nx-endless: ")
    sent = 0
    while not client.closed:
        protocol.data_received(b"a" * 10_000)
        sent += 10_000
        assert sent <= 100_000
    assert b" 431 " in client.written.get_nowait()
    protocol.connection_lost(None)


async def test_a_body_in_small_chunks_is_no_long_head() -> None:
    protocol, client = connected(echo)
    protocol.data_received(CHUNKED)
    for _ in range(2000):
        protocol.data_received(b"1;" + b"e" * 100 + b"\r\nx\r\n")
    protocol.data_received(b"0\r\n\r\n")
    assert await said(client, 1) == [b"/first " + b"x" * 2000]
    protocol.connection_lost(None)


async def test_the_answer_amid_a_body_reaches_who_wants_no_other(serve: Serve) -> None:
    async with serve() as server:
        wire = await Wire.to(server.url)
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        await wire.send(head + b"content-length: 40000000\r\n\r\n")
        for _ in range(40):
            await wire.send(bytes(1_000_000))
        assert (await wire.answer()).status == 413
        assert await wire.closed()
        await wire.close()


async def test_who_was_not_told_to_go_on_is_not_waited_for() -> None:
    """They may send the body or the next request: what comes cannot be told apart."""

    async def refuse(exchange: Exchange) -> None:
        exchange.reply(Reply(b"", status=401))

    protocol, client = connected(refuse)
    protocol.data_received(POST + b"expect: 100-continue\r\ncontent-length: 300\r\n\r\n")
    assert b"\r\nconnection: close\r\n" in await client.written.get()
    assert client.closed
    protocol.connection_lost(None)


async def test_old_clients_get_what_they_understand() -> None:
    async def streamed(exchange: Exchange) -> None:
        async def pieces() -> AsyncGenerator[bytes]:
            yield await exchange.more()
            yield b" and more"

        await send_stream(exchange, Stream(pieces()))

    protocol, client = connected(streamed)
    head = b"POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"
    protocol.data_received(head)
    protocol.data_received(b"hello")
    await protocol.latest.task
    first, *rest = [client.written.get_nowait() for _ in range(client.written.qsize())]
    assert first.startswith(b"HTTP/1.1 200 ")
    assert b"chunked" not in first
    assert b"".join(rest) == b"hello and more"
    assert client.closed
    protocol.connection_lost(None)


async def test_blanks_around_a_header_are_no_part_of_it() -> None:
    protocol, _ = connected(echo)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost:\t localhost \t\r\nx-api-key: a b \r\n\r\n")
    assert protocol.latest.headers == {b"host": b"localhost", b"x-api-key": b"a b"}
    await protocol.latest.task
    protocol.connection_lost(None)


async def test_no_tunnel_is_opened() -> None:
    protocol, client = connected(echo)
    protocol.data_received(b"CONNECT /x HTTP/1.1\r\nhost: a\r\n\r\n" + request("GET", "/inner"))
    assert client.written.get_nowait().startswith(b"HTTP/1.1 405 ")
    assert client.written.empty()
    assert client.closed
    protocol.connection_lost(None)
