"""What servers refuse, in every shape in which they say it, and servers that are not there."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from email.utils import formatdate
from typing import Any

import msgspec
import pytest
import trustme

from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    CapabilityError,
    InputError,
    NotFoundError,
    NotLoadedError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    RunnerError,
    TooLargeError,
    UnavailableError,
)
from breeze.runners._http import HttpClient
from breeze.runners._http_errors import refusal
from tests.runners.standin import Exchange, Script, StandIn


def body(value: Any) -> bytes:
    return value if isinstance(value, bytes) else msgspec.json.encode(value)


def openai(message: str = "m", type: str = "", param: str | None = None, code: Any = None) -> Any:
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def refusing(status: int, said: Any, **headers: str) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.whole(body(said), f"{status} X", **headers)

    return script


async def error_of(client: HttpClient) -> RunnerError:
    with await client.post("/ask", b"{}") as answer:
        return await refusal(answer, secrets=("canary-key",), field="messages")


LOADING = {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
OVERFLOW = {"error": {"code": 400, "message": "too long", "type": "exceed_context_size_error",
                      "n_prompt_tokens": 9, "n_ctx": 5}}  # fmt: skip
PLAIN_OVERFLOW = {"error": "Trying to keep 9000 tokens: exceeds the available context size"}
MESSAGES = [{"loc": ["body", "messages"], "msg": "Field required", "type": "missing"}]

REFUSALS: list[tuple[int, Any, type[RunnerError], str]] = [
    (400, openai("bad", "invalid_request_error", "temperature"), InputError, "temperature"),
    (400, openai("long", code="context_length_exceeded"), InputError, "messages"),
    (400, OVERFLOW, InputError, "messages"),
    (400, PLAIN_OVERFLOW, InputError, "messages"),
    (400, openai("no", code="content_policy_violation"), BlockedError, "messages"),
    (400, b"", InputError, "messages"),
    (401, openai("no", "invalid_request_error", code="invalid_api_key"), AuthenticationError, ""),
    (401, {"error": "Unauthorized"}, AuthenticationError, ""),
    (401, b"", AuthenticationError, ""),
    (402, {"error": {"message": "pay", "code": 402}}, QuotaError, ""),
    (403, {"detail": "no"}, AuthenticationError, ""),
    (404, openai("gone", code="model_not_found"), NotFoundError, "model"),
    (404, {"error": "model 'x' not found, try pulling it first"}, NotFoundError, "model"),
    (404, {"object": "error", "message": "The model `x` does not exist", "code": 404},
     NotFoundError, "model"),
    (404, openai("Invalid URL", "invalid_request_error"), NotFoundError, "base_url"),
    (404, {"detail": "Not Found"}, NotFoundError, "base_url"),
    (404, b"<html><title>404</title></html>", NotFoundError, "base_url"),
    (405, {"detail": "Method Not Allowed"}, NotFoundError, "base_url"),
    (408, b"", UnavailableError, ""),
    (409, openai("conflict"), InputError, "messages"),
    (413, b"", TooLargeError, "messages"),
    (422, {"detail": MESSAGES}, InputError, "messages"),
    (422, {"detail": [{"loc": ["body", "a", 0], "msg": "no"}]}, InputError, "a.0"),
    (401, {"detail": {"code": "quota_exceeded", "message": "no"}}, QuotaError, ""),
    (429, openai("slow", "requests", code="rate_limit_exceeded"), RateLimitError, ""),
    (429, openai("slow", "slow_down"), RateLimitError, ""),
    (429, openai("pay", "insufficient_quota"), QuotaError, ""),
    (429, openai("pay", "x", code="credit_balance_exhausted"), QuotaError, ""),
    (429, {"message": "You exceeded your current quota"}, QuotaError, ""),
    (500, openai("oops", "server_error"), UnavailableError, ""),
    (501, {"error": {"code": 501, "type": "not_supported_error"}}, CapabilityError, ""),
    (502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", UnavailableError, ""),
    (503, LOADING, NotLoadedError, ""),
    (503, openai("busy", code="server_is_overloaded"), OverloadedError, ""),
    (503, b"", UnavailableError, ""),
    (504, b"", UnavailableError, ""),
    (529, {"error": {"type": "overloaded_error"}}, OverloadedError, ""),
    (599, b"\xff\xfe\x00", UnavailableError, ""),
]  # fmt: skip


@pytest.mark.parametrize(("status", "said", "kind", "field"), REFUSALS)
async def test_each_refusal_is_one_of_our_errors(
    server: StandIn, client: HttpClient, status: int, said: Any, kind: type, field: str
) -> None:
    server.play(refusing(status, said))
    error = await error_of(client)
    assert type(error) is kind
    assert not field or error.field == field
    assert error.retryable is error.retryable_by_default
    assert f"127.0.0.1:{server.port} answered {status}" in error.message
    assert error.data["upstream_status"] == status


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("API key not valid. Please pass a valid API key.", None),
        ("Bearer token missing", None),
        ("Invalid API key: none was sent", None),
        ("Wrong key: api_key=abcdef123456 was sent", "Wrong key: api_key=*** was sent"),
        ("no user has Bearer abc.DEF-123", "no user has Bearer ***"),
        ("api key qwertyuiopasdfghjkl is unknown", "api key *** is unknown"),
        ("API key canary-key is unknown", "API key *** is unknown"),
    ],
)
async def test_keys_are_masked_and_words_are_not(
    server: StandIn, client: HttpClient, said: str, told: str | None
) -> None:
    server.play(refusing(401, openai(said)))
    assert f"answered 401: {told or said}" in (await error_of(client)).message


@pytest.mark.parametrize("said", [OVERFLOW, PLAIN_OVERFLOW, openai(code="context_length_exceeded")])
async def test_a_text_that_is_too_long_is_marked(
    server: StandIn, client: HttpClient, said: Any
) -> None:
    server.play(refusing(400, said))
    assert (await error_of(client)).detail == "context_length_exceeded"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "2"}, 2.0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
        ({"retry_after": formatdate(time.time() - 60, usegmt=True)}, 0.0),
        ({"retry_after": "99999999"}, 86_400.0),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": "soon", "x_ratelimit_reset_requests": "1s"}, 1.0),
        ({"x_ratelimit_reset_requests": "120ms", "x_ratelimit_reset_tokens": "6m0s"}, 360.0),
        ({"x_ratelimit_reset_tokens": "1h2m3.5s"}, 3723.5),
        ({"x_ratelimit_reset": "7"}, 7.0),
        ({"x_ratelimit_reset_tokens": "1x"}, None),
        ({}, None),
    ],
)
async def test_when_to_try_again(
    server: StandIn, client: HttpClient, headers: dict[str, str], seconds: float | None
) -> None:
    server.play(refusing(429, openai("slow", "requests"), **headers))
    assert (await error_of(client)).retry_after == seconds


async def test_when_to_try_again_as_a_date(server: StandIn, client: HttpClient) -> None:
    server.play(refusing(503, b"", retry_after=formatdate(time.time() + 60, usegmt=True)))
    found = (await error_of(client)).retry_after
    assert found is not None
    assert 50 < found <= 60


@pytest.mark.parametrize(("said", "again"), [("true", True), ("false", False)])
async def test_a_server_may_say_whether_to_try_again(
    server: StandIn, client: HttpClient, said: str, again: bool
) -> None:
    server.play(refusing(503, b"", x_should_retry=said), refusing(400, b"", x_should_retry=said))
    assert (await error_of(client)).retryable is again
    assert (await error_of(client)).retryable is again


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(server: StandIn, client: HttpClient, status: int) -> None:
    server.play(refusing(status, b"", location="http://169.254.169.254/?k=canary-key"))
    error = await error_of(client)
    assert isinstance(error, UnavailableError)
    assert not error.retryable
    assert "redirects to http://169.254.169.254/?k=***" in error.message
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "said",
    [
        openai("Incorrect API key provided: canary-key"),
        {"error": "header was Authorization: Bearer canary-key"},
        {"detail": [{"input": "canary-key"}]},
        b"canary-key is wrong",
        openai("m", param="canary-key"),
        openai("m", code="canary-key"),
    ],
)
async def test_a_key_that_the_server_echoes_is_not_shown(
    server: StandIn, client: HttpClient, said: Any
) -> None:
    server.play(refusing(401, said))
    error = await error_of(client)
    assert "canary" not in f"{error} {error.info()!r}"


async def test_long_and_odd_messages_become_one_short_line(
    server: StandIn, client: HttpClient
) -> None:
    server.play(refusing(500, openai("a\n\x1b[31mb\u202e" + "x" * 5000)))
    message = (await error_of(client)).message
    assert message.isprintable()
    assert len(message) < 800


async def test_an_error_without_end_is_told_by_its_status(
    server: StandIn, client: HttpClient
) -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.head("500 X", transfer_encoding="chunked")
        while True:
            await exchange.chunk(b"x" * 10_000)

    async def cut(exchange: Exchange) -> None:
        await exchange.head("402 X", content_length="1000")
        await exchange.send(b"half")
        exchange.close()

    async def compressed(exchange: Exchange) -> None:
        await exchange.whole(b"\x1f\x8b", "403 X", content_encoding="gzip")

    server.play(endless, cut, compressed)
    assert type(await error_of(client)) is UnavailableError
    assert type(await error_of(client)) is QuotaError
    assert type(await error_of(client)) is AuthenticationError


# servers that are not there ---------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://127.0.0.1:PORT/v1", "refused the connection. Start the server there"),
        ("http://localhost:PORT/v1", "refused the connection. Start the server there"),
        ("http://no-such-host.invalid/v1", "no address. Check base_url and the network"),
    ],
)
async def test_a_server_that_is_not_there_is_named(url: str, what: str) -> None:
    client = HttpClient(url.replace("PORT", str(closed_port())), {})
    with pytest.raises(UnavailableError) as caught:
        await client.get("/models")
    assert client.target.authority in caught.value.message
    assert what in caught.value.message
    assert caught.value.retryable
    await client.close()


async def test_a_server_that_never_accepts_is_given_up() -> None:
    """A full backlog swallows the connection: nothing answers."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        filler = [socket.socket() for _ in range(8)]
        for sock in filler:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        client = HttpClient(f"http://127.0.0.1:{port}/v1", {}, connect=0.05)
        with pytest.raises(UnavailableError, match="did not answer within 0.05 s"):
            await client.get("/models")
        await client.close()
        for sock in filler:
            sock.close()


# TLS --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls_server(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


async def hello(exchange: Exchange) -> None:
    await exchange.whole(b'"hello"')


async def test_tls_with_a_known_authority(authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with StandIn.serving(hello, tls_server(authority, "127.0.0.1")) as server:
        client = HttpClient(server.url, {}, tls=trusting)
        for _ in range(2):
            with await client.get("/models", whole=True) as answer:
                assert answer.body() == b'"hello"'
        assert server.connections == 1
        await client.close()


async def test_tls_closes_at_once_too(authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    gone = asyncio.Event()

    async def endless(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(b"1")
        await exchange.left()
        gone.set()

    async with StandIn.serving(endless, tls_server(authority, "127.0.0.1")) as server:
        client = HttpClient(server.url, {}, tls=trusting)
        with await client.get("/models") as answer:
            await anext(answer)
        await gone.wait()
        await client.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "other.example"])
async def test_tls_that_cannot_be_trusted_is_refused(authority: trustme.CA, name: str) -> None:
    trusting = ssl.create_default_context()
    if name != "127.0.0.1":
        authority.configure_trust(trusting)  # known, but for another host
    async with StandIn.serving(hello, tls_server(authority, name)) as server:
        client = HttpClient(server.url, {}, tls=trusting)
        with pytest.raises(UnavailableError, match="certificate that cannot be trusted"):
            await client.get("/models")
        await client.close()
        assert server.requests == []


async def test_tls_to_a_server_without_it() -> None:
    async def puzzled(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    plain = await asyncio.start_server(puzzled, "127.0.0.1", 0)
    port = plain.sockets[0].getsockname()[1]
    client = HttpClient(f"https://127.0.0.1:{port}/v1", {})
    with pytest.raises(UnavailableError, match="does not speak TLS there"):
        await client.get("/models")
    await client.close()
    plain.close()
    await plain.wait_closed()
