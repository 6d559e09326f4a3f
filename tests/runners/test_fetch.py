"""Fetching what a caller named, from a server that does as a script says."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import InputError, RunnerError, TooLargeError
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Runner
from breeze.runners._fetch import Policy, fetch
from breeze.runners.google import GoogleRunner
from breeze.runners.ollama import OllamaRunner

LOOPBACK = (ip_network("127.0.0.0/8"),)
Say = Callable[[bytes], bytes]


class Web:
    """A server on a free port: `asked` are the heads of the requests that came."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.port = 0

    def policy(self, **more: Any) -> Policy:
        """A policy under which this server may be asked."""
        return Policy(networks=LOOPBACK, ports={self.port})._replace(**more)

    def url(self, path: str = "/a.png", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handle: Handle, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that gives each connection to `handle` and closes it afterwards."""
    handled: set[asyncio.Task[Any]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handled.add(asyncio.current_task())  # type: ignore[arg-type]
        with suppress(OSError, EOFError):
            await handle(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*handled)


@asynccontextmanager
async def web(say: Say, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    """A server that answers each request with the bytes that `say` makes of it, then closes."""
    served = Web()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        served.asked.append(head)
        writer.write(say(head))

    async with serving(answer, tls) as served.port:
        yield served


def fine(body: bytes = b"picture", *more: bytes) -> Say:
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: image/png", b"Content-Length: %d" % len(body)]
    return lambda _: b"\r\n".join((*lines, *more)) + b"\r\n\r\n" + body


async def refused(served: Web, policy: Policy, path: str = "/a.png") -> RunnerError:
    with pytest.raises((InputError, TooLargeError)) as caught:
        await fetch(served.url(path), "url", policy)
    assert caught.value.field == "url"
    return caught.value


async def test_a_file_comes_with_its_type() -> None:
    async with web(fine()) as served:
        found = await fetch(served.url("/a.png?b=1#c"), "url", served.policy())
        assert (found.data, found.mime) == (b"picture", "image/png")
    head = served.asked[0]
    assert head.startswith(b"GET /a.png?b=1 HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n" % served.port)
    for never in (b"cookie", b"authorization", b"referer"):
        assert never not in head.lower()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.53"])
async def test_this_machine_is_not_asked_unless_that_is_configured(host: str) -> None:
    async with web(fine()) as served:
        with pytest.raises(InputError, match="public server"):
            await fetch(served.url(host=host), "url", Policy(ports={served.port}))
        assert served.asked == []


async def test_a_name_that_is_not_there_and_one_inside_are_the_same_error() -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError

    async def inside(host: str, port: int) -> list[str]:
        return ["10.0.0.7"]

    said = set()
    for resolve in (nowhere, inside):
        with pytest.raises(InputError) as caught:
            await fetch("http://intranet.example/", "url", Policy(resolve=resolve))
        said.add(caught.value.message)
    assert len(said) == 1


async def test_a_name_is_resolved_once_and_its_address_is_the_one_connected_to() -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def changing(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async with web(fine()) as served:
        policy = served.policy(resolve=changing)
        assert (await fetch(served.url(host="pictures.example"), "url", policy)).data == b"picture"
        assert b"host: pictures.example:" in served.asked[0]
        assert len(answers) == 1
        await refused_name(served, policy)


async def refused_name(served: Web, policy: Policy) -> None:
    with pytest.raises(InputError, match="public server"):
        await fetch(served.url(host="pictures.example"), "url", policy)
    assert len(served.asked) == 1


async def test_one_private_address_among_several_spoils_them_all() -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "10.0.0.1"]

    async with web(fine()) as served:
        await refused_name_of(served, served.policy(resolve=both))


async def refused_name_of(served: Web, policy: Policy) -> None:
    with pytest.raises(InputError, match="public server"):
        await fetch(served.url(host="pictures.example"), "url", policy)
    assert served.asked == []


def redirected(to: Callable[[bytes], bytes], status: int = 302) -> Say:
    return lambda head: b"HTTP/1.1 %d Look\r\nlocation: %b\r\n\r\n" % (status, to(head))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(status: int) -> None:
    def say(head: bytes) -> bytes:
        first = head.startswith(b"GET /a.png ")
        return redirected(lambda _: b"/b.png?x=1", status)(head) if first else fine()(head)

    async with web(say) as served:
        found = await fetch(served.url(), "url", served.policy())
        assert found.url.endswith("/b.png?x=1")


@pytest.mark.parametrize(
    "where",
    [
        b"http://10.0.0.1/", b"http://169.254.169.254/latest/meta-data/", b"http://[::1]/",
        b"http://[::ffff:10.0.0.1]/", b"//10.0.0.1/", b"file:///etc/passwd", b"ftp://127.0.0.1/",
        b"http://127.0.0.1:22/", b"http://user@127.0.0.1/", b"http://2130706433/",
        b"http://127.0.0.1\\@example.com/", b"data:image/png;base64,AAAA", b"http://\xff/",
    ],
)  # fmt: skip
async def test_a_redirect_is_judged_like_the_first_url(where: bytes) -> None:
    async with web(redirected(lambda _: where)) as served:
        await refused(served, served.policy())
        assert len(served.asked) == 1


async def test_redirects_end() -> None:
    async with web(redirected(lambda head: head.split()[1] + b"x")) as served:
        error = await refused(served, served.policy())
        assert "redirected" in error.message
        assert len(served.asked) == 4


@pytest.mark.parametrize(
    "say",
    [
        fine(bytes(2001)),
        lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + bytes(2001),
        lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n",
        lambda _: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n"
        + bytes(1000) + b"\r\nfffffff\r\n",
    ],
)  # fmt: skip
async def test_too_much_is_not_read(say: Say) -> None:
    async with web(say) as served:
        error = await refused(served, served.policy(limit=2000))
        assert isinstance(error, TooLargeError)


async def test_chunks_are_put_together() -> None:
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with web(lambda _: head + b"3\r\npic\r\n4;x=1\r\nture\r\n0\r\n\r\n") as served:
        assert (await fetch(served.url(), "url", served.policy())).data == b"picture"


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"SSH-2.0-OpenSSH_9\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"\0\xff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", b"HTTP/1.1 404 No\r\n\r\n",
        b"HTTP/1.1 302 No place\r\n\r\n",
    ],
)  # fmt: skip
async def test_a_broken_answer_is_the_callers_error_and_shows_nothing_of_it(answer: bytes) -> None:
    async with web(lambda _: answer) as served:
        error = await refused(served, served.policy())
        assert (error.status, error.detail) == (400, "fetch")
        assert "SSH" not in error.message


async def test_only_the_wanted_types_are_taken() -> None:
    async with web(fine()) as served:
        error = await refused(served, served.policy(types=("audio/", "text/")))
        assert "image/png" in error.message
        assert (await fetch(served.url(), "url", served.policy(types=("image/",)))).data


async def test_a_server_that_does_not_answer_is_not_waited_for() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    served = Web()
    async with serving(hang) as served.port:
        error = await refused(served, served.policy(seconds=0.1))
        assert "0.1 s" in error.message


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for pictures.example, and a client's that trusts it."""
    folder: Path = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=pictures.example",
         "-addext", "subjectAltName=DNS:pictures.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(cert, key)
    return served, ssl.create_default_context(cafile=str(cert))


async def test_a_certificate_is_that_of_the_name_not_of_the_address(
    authority: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with web(fine(), tls=authority[0]) as served:
        policy = served.policy(resolve=here, tls=authority[1])
        url = f"https://{{}}:{served.port}/"
        assert (await fetch(url.format("pictures.example"), "url", policy)).data == b"picture"
        for other in ("other.example", "127.0.0.1"):
            with pytest.raises(InputError):
                await fetch(url.format(other), "url", policy)
        with pytest.raises(InputError):
            await fetch(url.format("pictures.example"), "url", policy._replace(tls=None))
        assert len(served.asked) == 1


@pytest.mark.parametrize("kind", [GoogleRunner, OllamaRunner])
async def test_a_request_may_not_have_any_number_of_files_fetched(kind: type[Runner[Any]]) -> None:
    pictures = tuple(ImagePart(url=f"http://files.invalid/{i}.png") for i in range(33))
    message = Message("user", (TextPart("What is there?"), *pictures))
    given = {"base_url": "http://127.0.0.1:9", "api_key": "k-1234"}
    runner = kind(kind.parameters_type.of(given))
    await runner.load("")
    with pytest.raises(TooLargeError, match="at most 32") as caught:
        await anext(runner.stream(ChatRequest((message,), model="m")))
    await runner.unload()
    assert caught.value.field == "messages"
