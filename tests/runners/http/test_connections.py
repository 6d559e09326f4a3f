"""Connections are kept, used again only when that is safe, and closed at once when left."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from breeze.contracts.errors import ProcessingError, UnavailableError
from breeze.runners._http import HttpClient
from tests.runners.http.conftest import Ask
from tests.runners.standin import Exchange, Recorded, StandIn


async def hello(exchange: Exchange) -> None:
    await exchange.whole(b'"hello"')


async def test_a_request_arrives_as_it_was_meant(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    server.play(hello, hello)
    assert await ask(client, b'{"a": 1}') == b'"hello"'
    with await client.get("/models", whole=True) as answer:
        assert answer.status == 200
        assert answer.header("content-type") == "application/json"
        assert answer.body() == b'"hello"'
    first, second = server.requests
    assert (first.method, first.path, first.body) == ("POST", "/v1/ask", b'{"a": 1}')
    assert first.headers.pop("user-agent").startswith("breeze/")
    assert first.headers == {
        "host": f"127.0.0.1:{server.port}",
        "authorization": "Bearer k-1",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": "8",
    }
    assert second.method == "GET"
    assert "content-length" not in second.headers


async def test_one_connection_serves_many_requests(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    server.play(*[hello] * 20)
    for _ in range(20):
        await ask(client)
    assert server.connections == 1


async def test_requests_at_once_have_a_connection_each(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    everybody = asyncio.Barrier(100)

    async def together(exchange: Exchange) -> None:
        await everybody.wait()
        await exchange.whole(exchange.request.body)

    server.play(*[together] * 100)
    bodies = [b"%d" % i for i in range(100)]
    assert await asyncio.gather(*(ask(client, body) for body in bodies)) == bodies
    assert server.connections == 100
    server.play(hello)
    await ask(client)
    assert server.connections == 100


async def test_head_and_body_leave_in_one_segment_without_delay(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    """Two small writes would meet the server's delayed acknowledgement: 40 ms a request."""
    server.play(*[hello] * 51)
    await ask(client)
    start = time.perf_counter()
    for _ in range(50):
        await ask(client)
    assert time.perf_counter() - start < 1.0
    (connection,) = client._open
    sock: socket.socket = connection._transport.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("headers", [{"connection": "close"}, {}])
async def test_a_server_that_closes_is_asked_on_a_new_connection(
    server: StandIn, client: HttpClient, headers: dict[str, str], ask: Ask
) -> None:
    async def last(exchange: Exchange) -> None:
        await exchange.whole(b"1", **headers)
        exchange.close()

    server.play(last, last, last)
    for _ in range(3):
        assert await ask(client) == b"1"
    assert server.connections == 3


async def test_a_kept_connection_that_was_closed_is_replaced_once(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    """The close races with the request: it comes instead of an answer."""

    async def nothing(exchange: Exchange) -> None:
        exchange.reset()

    server.play(hello, nothing, hello)
    await ask(client)
    assert await ask(client, b"again") == b'"hello"'
    assert [request.body for request in server.requests] == [b"{}", b"again", b"again"]


async def test_a_new_connection_without_an_answer_is_not_tried_again(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    async def nothing(exchange: Exchange) -> None:
        exchange.close()

    server.play(nothing)
    with pytest.raises(UnavailableError, match="closed the connection without an answer"):
        await ask(client)
    assert len(server.requests) == 1


async def test_an_answer_that_had_begun_is_not_asked_for_again(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    async def begin(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-le")
        exchange.close()

    server.play(hello, begin)
    await ask(client)
    with pytest.raises(ProcessingError) as caught:
        await ask(client)
    assert caught.value.detail == "cut"
    assert len(server.requests) == 2


async def left_early(client: HttpClient) -> float:
    with await client.post("/ask", b"{}") as answer:
        await anext(answer)
        return time.perf_counter()


async def test_leaving_early_closes_the_socket_within_5_ms(
    server: StandIn, client: HttpClient
) -> None:
    seen: asyncio.Queue[float] = asyncio.Queue()

    async def endless(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(b"data: 1\n\n")
        seen.put_nowait(await exchange.left())

    server.play(*[endless] * 5)
    taken = []
    for _ in range(5):
        left = await left_early(client)
        taken.append(await seen.get() - left)
    assert min(taken) < 0.005
    assert server.connections == 5


@pytest.mark.parametrize("begun", [False, True])
async def test_a_cancelled_reader_closes_the_socket(
    server: StandIn, client: HttpClient, begun: bool, ask: Ask
) -> None:
    waiting, gone = asyncio.Event(), asyncio.Event()

    async def silent(exchange: Exchange) -> None:
        if begun:
            await exchange.stream()
        waiting.set()
        await exchange.left()
        gone.set()

    server.play(silent)
    reading = asyncio.create_task(ask(client))
    await waiting.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await gone.wait()
    assert not client._open or all(c._lost for c in client._open)


async def test_what_was_released_is_kept_when_it_ends_soon(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    go, gone = asyncio.Event(), asyncio.Event()

    async def late_end(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(b"last")
        await go.wait()
        await exchange.end()
        gone.set()

    server.play(late_end, hello)
    with await client.post("/ask", b"{}") as answer:
        assert await anext(answer) == b"last"
        answer.release()
    go.set()
    await gone.wait()
    for _ in range(10):  # turns of the loop, for the end to arrive
        await asyncio.sleep(0)
    await ask(client)
    assert server.connections == 1


async def test_what_was_released_and_goes_on_is_closed(server: StandIn, client: HttpClient) -> None:
    go, gone = asyncio.Event(), asyncio.Event()

    async def chatty(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(b"last")
        await go.wait()
        try:
            while True:
                await exchange.chunk(b"x" * 1000)
        finally:
            gone.set()

    server.play(chatty)
    with await client.post("/ask", b"{}") as answer:
        await anext(answer)
        answer.release()
    go.set()
    await gone.wait()


async def test_more_than_was_asked_for_is_never_the_next_answer(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    async def two_answers(exchange: Exchange) -> None:
        one = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"
        await exchange.send(one + b"mine" + one + b"evil")

    server.play(two_answers, hello)
    assert await ask(client) == b"mine"
    assert await ask(client) == b'"hello"'
    assert server.connections == 2


async def test_unasked_bytes_on_an_idle_connection_close_it(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    go, gone = asyncio.Event(), asyncio.Event()

    async def later(exchange: Exchange) -> None:
        await exchange.whole(b"1")
        await go.wait()
        await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        await exchange.left()
        gone.set()

    server.play(later, hello)
    await ask(client)
    go.set()
    await gone.wait()
    assert await ask(client) == b'"hello"'


async def test_what_is_not_used_for_long_is_closed(server: StandIn, ask: Ask) -> None:
    client = HttpClient(server.url, {}, idle=0.05)
    gone = asyncio.Event()

    async def forgotten(exchange: Exchange) -> None:
        await exchange.whole(b"1")
        await exchange.left()
        gone.set()

    server.play(forgotten, hello)
    await ask(client)
    await gone.wait()
    await ask(client)
    await client.close()


async def test_of_a_crowd_that_leaves_no_connection_is_left(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    crowd = 500
    all_here, all_gone = asyncio.Barrier(crowd + 1), asyncio.Barrier(crowd + 1)

    async def silent(exchange: Exchange) -> None:
        await exchange.stream()
        await all_here.wait()
        await exchange.left()
        await all_gone.wait()

    server.play(*[silent] * crowd)
    readers = [asyncio.create_task(ask(client)) for _ in range(crowd)]
    await all_here.wait()
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    await all_gone.wait()
    assert server.connections == crowd


async def test_closing_the_client_closes_all(server: StandIn, ask: Ask) -> None:
    client = HttpClient(server.url, {})
    asked, gone = asyncio.Event(), asyncio.Event()

    async def silent(exchange: Exchange) -> None:
        asked.set()
        await exchange.left()
        gone.set()

    server.play(hello, silent)
    await ask(client)
    reading = asyncio.create_task(ask(client))
    await asked.wait()
    await client.close()
    await gone.wait()
    assert not client._open
    with pytest.raises(ProcessingError) as caught:
        await reading
    assert caught.value.detail == "cut"


async def test_what_was_released_and_does_not_end_is_closed(server: StandIn) -> None:
    client = HttpClient(server.url, {}, timeout=5)
    gone = asyncio.Event()

    async def endless(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(b"last")
        await exchange.left()
        gone.set()

    server.play(endless)
    with await client.post("/ask", b"{}") as answer:
        await anext(answer)
        answer.release()
    async with asyncio.timeout(3):
        await gone.wait()
    await client.close()


def test_the_recorder_keeps_the_order_of_requests() -> None:
    assert Recorded("GET", "/", {}, b'{"a": 1}').json == {"a": 1}


@pytest.mark.parametrize("there", [True, False], ids=["connects", "fails"])
async def test_closing_ends_what_is_still_connecting(server: StandIn, there: bool) -> None:
    url = server.url if there else "http://127.0.0.1:9"
    client = HttpClient(url, {})
    asking = asyncio.create_task(client.get("/ask"))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await client.close()
    with pytest.raises(UnavailableError):
        await asking
