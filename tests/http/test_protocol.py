"""Limits of one connection, as bytes on the wire."""

from __future__ import annotations

import json

import pytest

from breeze.surfaces.http.protocol import Protocol
from tests.http.conftest import Serve
from tests.http.raw import Wire, ask, request

HELLO = json.dumps(
    {"model": "mock_llm", "messages": [{"role": "user", "content": "Hello"}]}
).encode()
CHAT = request("POST", "/v1/chat/completions", HELLO, content_type="application/json")


class Hasty(Protocol):
    """Waits for nobody."""

    head_seconds = 0.3
    body_seconds = 0.3


async def test_a_head_that_never_ends_is_refused_long_before_the_memory_is_full(
    serve: Serve,
) -> None:
    async with serve() as server:
        wire = await Wire.to(server.url)
        await wire.send(b"GET /health HTTP/1.1\r\nhost: localhost\r\nx-endless: ")
        for _ in range(70):
            await wire.send(b"a" * 1024)
        answer = await wire.answer()
        assert answer.status == 431
        assert answer.headers["connection"] == "close"
        assert await wire.closed()
        await wire.close()


@pytest.mark.parametrize(
    "head",
    [
        b"x-long: " + b"a" * 70_000,
        b"\r\n".join(b"x-%d: %s" % (i, b"a" * 1000) for i in range(80)),
        b"\r\n".join(b"x-%d: 1" % i for i in range(120)),
    ],
)
async def test_a_head_in_one_piece_has_the_same_limits(serve: Serve, head: bytes) -> None:
    async with serve() as server:
        answer = await ask(
            server.url, b"GET /health HTTP/1.1\r\nhost: localhost\r\n" + head + b"\r\n\r\n"
        )
        assert answer.status == 431


async def test_a_large_body_after_a_small_head_is_no_large_head(serve: Serve) -> None:
    padded = json.dumps({**json.loads(HELLO), "user": "u" * 500_000}).encode()
    async with serve() as server:
        wire = await Wire.to(server.url)
        one = request("POST", "/v1/chat/completions", padded)
        await wire.send(one + one[:40])
        assert (await wire.answer()).status == 200
        await wire.send(one[40:])
        assert (await wire.answer()).status == 200
        await wire.close()


@pytest.mark.parametrize("sent", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nhost: loc"])
async def test_a_head_that_does_not_come_is_not_waited_for(serve: Serve, sent: bytes) -> None:
    async with serve(protocol=Hasty) as server:
        wire = await Wire.to(server.url)
        await wire.send(sent)
        assert (await wire.answer()).status == 408
        assert await wire.closed()
        await wire.close()


async def test_a_body_that_stalls_is_not_waited_for(serve: Serve) -> None:
    async with serve(protocol=Hasty) as server:
        wire = await Wire.to(server.url)
        await wire.send(CHAT[:-5])
        answer = await wire.answer()
        assert (answer.status, answer.error["type"]) == (408, "invalid_request_error")
        assert await wire.closed()
        await wire.close()
        assert server.engine.live == ()


async def test_a_body_in_two_pieces_is_a_body(serve: Serve) -> None:
    async with serve(protocol=Hasty) as server:
        wire = await Wire.to(server.url)
        for _ in range(3):
            await wire.send(CHAT[:-5])
            await wire.send(CHAT[-5:])
            assert (await wire.answer()).status == 200
        await wire.close()


async def test_a_slow_answer_is_no_slow_request(serve: Serve) -> None:
    body = json.dumps(
        {
            **json.loads(HELLO),
            "messages": [{"role": "user", "content": "[[mock:delay=900]] Hello"}],
        }
    ).encode()
    async with serve(protocol=Hasty) as server:
        assert (await ask(server.url, request("POST", "/v1/chat/completions", body))).status == 200


async def test_requests_one_after_another_without_waiting_are_answered_in_order(
    serve: Serve,
) -> None:
    async with serve() as server:
        wire = await Wire.to(server.url)
        await wire.send(CHAT + request("GET", "/health") + request("GET", "/none") + CHAT)
        assert [(await wire.answer()).status for _ in range(4)] == [200, 200, 404, 200]
        await wire.close()


async def test_a_bad_head_behind_a_good_request_gets_no_word_into_its_answer(
    serve: Serve,
) -> None:
    async with serve() as server:
        wire = await Wire.to(server.url)
        await wire.send(CHAT + b"GET / HTTP/1.1\r\n" + b"x-long: " + b"a" * 70_000 + b"\r\n\r\n")
        heads = (await wire.reader.read()).count(b"HTTP/1.1 ")
        assert heads <= 1
        await wire.close()


async def test_who_asks_before_sending_a_body_is_told_to_go_on(serve: Serve) -> None:
    async with serve() as server:
        wire = await Wire.to(server.url)
        at = CHAT.index(b"\r\n\r\n")
        await wire.send(CHAT[:at] + b"\r\nexpect: 100-continue\r\n\r\n")
        assert (await wire.answer()).status == 100
        await wire.send(CHAT[at + 4 :])
        assert (await wire.answer()).status == 200
        await wire.close()


async def test_a_body_may_come_in_chunks_and_headers_in_any_order(serve: Serve) -> None:
    pieces = [HELLO[i : i + 7] for i in range(0, len(HELLO), 7)]
    chunks = (
        b"".join(b"%x;ext=1\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\nx-trailer: 1\r\n\r\n"
    )
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nTRANSFER-ENCODING: chunked\r\n"
        b"Content-Type: application/json\r\nX-Other: 1\r\nHOST: LocalHost\r\n\r\n"
    )
    async with serve() as server:
        assert (await ask(server.url, head + chunks)).status == 200


POST = b"POST /v1/x HTTP/1.1\r\nhost: localhost\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
SMUGGLED = [
    POST + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + b"content-length: 4\r\ncontent-length: 5\r\n\r\nabcd",
    POST + b"content-length: -1\r\n\r\n",
    POST + b"content-length: 1_0\r\n\r\n1234567890",
    POST + b"content-length: 99999999999999999999999\r\n\r\n",
    CHUNKED + b"zz\r\n\r\n",
    CHUNKED + b"-1\r\n\r\n",
    CHUNKED + b"fffffffffffffffffff\r\n",
    POST + b"transfer-encoding: chunked, identity\r\n\r\nabc",
    b"GET /health HTTP/1.1\nhost: localhost\n\n",
    b"GET /health HTTP/1.1\r\nhost : localhost\r\n\r\n",
    b"GET /health HTTP/1.1\r\nhost: localhost\r\n folded: 1\r\n\r\n",
    b"GET /health HTTP/1.1\r\nhost: local\0host\r\n\r\n",
    b"GET /health HTTP/9.9\r\nhost: localhost\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET \xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET http://evil.example HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"get /health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"\r\n\r\n\r\n\0",
]


@pytest.mark.parametrize("sent", SMUGGLED, ids=range(len(SMUGGLED)))
async def test_what_two_readers_may_read_differently_is_refused(serve: Serve, sent: bytes) -> None:
    async with serve(protocol=Hasty) as server:
        answer = await ask(server.url, sent)
        assert 400 <= answer.status < 500
        assert answer.headers["content-type"] == "application/json"
        assert (await ask(server.url, request("GET", "/health"))).status == 200


async def test_too_large_a_body_is_refused_before_it_is_sent(serve: Serve) -> None:
    async with serve() as server:
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
        answer = await ask(server.url, head + b"content-length: 99999999\r\n\r\n")
        assert (answer.status, answer.error["code"]) == (413, "request_too_large")
