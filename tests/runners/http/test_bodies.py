"""Bodies: whole, chunked, ended by closing, cut, too large, too slow, and slowly read."""

from __future__ import annotations

import asyncio
from email import message_from_bytes

import pytest

from breeze.contracts.errors import ProcessingError, UnavailableError
from breeze.runners._http import HttpClient
from breeze.runners._http_multipart import Part, multipart
from breeze.runners._http_target import segment, with_query
from tests.runners.http.conftest import Ask
from tests.runners.standin import Exchange, StandIn


async def test_a_chunked_body_in_single_bytes(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    text = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    text += b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\ntrailer: yes\r\n\r\n"

    async def slowly(exchange: Exchange) -> None:
        await exchange.send(*(text[i : i + 1] for i in range(len(text))))

    server.play(slowly, slowly)
    assert await ask(client) == b"hello world"
    assert await ask(client) == b"hello world"
    assert server.connections == 1


async def test_one_read_is_one_piece(server: StandIn, client: HttpClient) -> None:
    async def burst(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.send(b"".join(b"1\r\n%d\r\n" % i for i in range(10)) + b"0\r\n\r\n")

    server.play(burst)
    with await client.post("/ask", b"{}") as answer:
        assert [piece async for piece in answer] == [b"0123456789"]


async def test_a_body_may_end_with_the_connection(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    async def until_closed(exchange: Exchange) -> None:
        await exchange.head(content_type="text/plain")
        await exchange.send(b"all", b" of it")
        exchange.close()

    server.play(until_closed)
    assert await ask(client) == b"all of it"


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n50\r\nhel",
    ],
)
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_body_that_is_cut_is_an_error_after_what_came(
    server: StandIn, client: HttpClient, begin: bytes, how: str
) -> None:
    read = asyncio.Event()

    async def cut(exchange: Exchange) -> None:
        await exchange.send(begin)
        await read.wait()
        getattr(exchange, how)()

    server.play(cut)
    with await client.post("/ask", b"{}") as answer:
        assert await anext(answer) in (b"half", b"hello", b"hel")
        read.set()
        with pytest.raises(ProcessingError) as caught:
            await anext(answer)
    assert caught.value.detail == "cut"
    assert caught.value.retryable


@pytest.mark.parametrize(
    "text",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
async def test_what_is_no_http_is_refused(
    server: StandIn, client: HttpClient, text: bytes, ask: Ask
) -> None:
    async def strange(exchange: Exchange) -> None:
        await exchange.send(text)
        await exchange.left()

    server.play(strange)
    with pytest.raises(ProcessingError) as caught:
        await ask(client)
    assert caught.value.detail == "malformed"


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\n" + b"x-more: 1\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 200_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x-more: 1\r\n" * 20_000,
    ],
    ids=["many headers", "one long header", "interim answers", "trailers"],
)
async def test_headers_without_end_are_refused(
    server: StandIn, client: HttpClient, text: bytes, ask: Ask
) -> None:
    async def flood(exchange: Exchange) -> None:
        await exchange.send(text)
        await exchange.left()

    server.play(flood)
    with pytest.raises(ProcessingError, match="more headers than an answer may have"):
        await ask(client)


async def test_interim_answers_are_passed_over(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    async def hinted(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
        await exchange.whole(b"real")

    server.play(hinted)
    assert await ask(client) == b"real"


async def test_a_body_beyond_its_limit_is_refused(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.stream()
        while exchange.open:
            await exchange.chunk(b"x" * 10_000)

    server.play(endless)
    with pytest.raises(ProcessingError, match="more than an answer may hold") as caught:
        await ask(client, limit=100_000)
    assert not caught.value.retryable


async def test_compression_that_nobody_asked_for_is_refused(
    server: StandIn, client: HttpClient, ask: Ask
) -> None:
    async def compressed(exchange: Exchange) -> None:
        await exchange.whole(b"\x1f\x8b", content_encoding="gzip")

    server.play(compressed)
    with pytest.raises(ProcessingError, match="'gzip', which nobody asked for"):
        await ask(client)


async def test_an_answer_has_only_so_much_time(server: StandIn, ask: Ask) -> None:
    client = HttpClient(server.url, {}, timeout=0.05)
    gone = asyncio.Event()

    async def stuck(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(b"1")
        await exchange.left()
        gone.set()

    server.play(stuck)
    with pytest.raises(UnavailableError, match="did not complete its answer within 0.05 s"):
        await ask(client)
    await gone.wait()
    await client.close()


async def test_a_slow_reader_slows_the_server(server: StandIn, client: HttpClient) -> None:
    """Of 64 MiB only what buffers hold is sent before somebody reads."""
    sent = 0

    async def much(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.head(content_length=str(64 * 2**20))
        for _ in range(64 * 16):
            await exchange.send(b"x" * 65_536)
            sent += 65_536

    server.play(much)
    with await client.post("/ask", b"{}") as answer:
        before = -1
        while sent != before:  # until the server can send no more
            before = sent
            for _ in range(100):
                await asyncio.sleep(0)
        assert sent < 32 * 2**20
        read = [len(piece) async for piece in answer]
    assert sum(read) == 64 * 2**20
    assert max(read) <= 2**20


async def test_any_method_a_query_and_headers_of_one_request(
    server: StandIn, client: HttpClient
) -> None:
    async def fine(exchange: Exchange) -> None:
        await exchange.whole(b"{}")

    server.play(fine, fine)
    path = with_query(f"/files/{segment('a/b c')}", {"deep": True, "tag": ["x", "y"], "no": None})
    with await client.ask("DELETE", path, headers={"authorization": "Bearer k-2"}) as answer:
        assert answer.status == 200
    with await client.post("/ask", b"{}"):
        pass
    gone, usual = server.requests
    assert (gone.method, gone.path) == ("DELETE", "/v1/files/a%2Fb%20c?deep=true&tag=x&tag=y")
    assert gone.headers["authorization"] == "Bearer k-2"
    assert (gone.body, usual.headers["authorization"]) == (b"", "Bearer k-1")


async def test_a_whole_answer_of_another_success(server: StandIn, client: HttpClient) -> None:
    async def made(exchange: Exchange) -> None:
        await exchange.whole(b'{"id":1}', "201 Created")

    server.play(made)
    answer = await client.ask("PUT", "/files", b"x", "text/plain", whole=True)
    assert (answer.status, answer.body()) == (201, b'{"id":1}')
    assert server.requests[0].body == b"x"


async def test_a_form_as_servers_read_it(server: StandIn, client: HttpClient) -> None:
    async def fine(exchange: Exchange) -> None:
        await exchange.whole(b"{}")

    server.play(fine)
    body, content_type = multipart(
        [Part("model", b"m"), Part("file", b"\r\n--x", 'a"\n.wav', "audio/wav")]
    )
    with await client.ask("POST", "/form", body, content_type):
        pass
    sent = server.requests[0]
    head = f"content-type: {sent.headers['content-type']}\r\n\r\n".encode()
    _, model, file = message_from_bytes(head + sent.body).walk()
    assert model.get_param("name", header="content-disposition") == "model"
    assert model.get_payload() == "m"
    assert file.get_filename() == "a%22%0A.wav"
    assert file.get_payload(decode=True) == b"\r\n--x"
    assert file.get_content_type() == "audio/wav"
