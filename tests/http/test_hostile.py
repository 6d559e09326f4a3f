"""A real server under hostile requests: each is answered at once, and learns no secret."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.http import hostile
from tests.http.files import png, wav
from tests.http.hostile import KEY, ask, chat, image, post, sound, uri
from tests.http.process import Room, Served
from tests.http.raw import Answer, Wire

SECRETS = {
    "key": KEY,
    "parameter": "canary-parameter-81b2aa",
    "environment": "canary-environment-c07d43",
}
PATIENCE = 5.0
TRUTHS = {503, 504, 507}
"""Failures that are nobody's mistake: not available, too late, no room."""


class Siege(NamedTuple):
    """A server and its folder."""

    served: Served
    folder: Path

    async def exchange(self, *sent: bytes, head_only: bool = False) -> list[Answer]:
        """Every answer to the pieces, sent on one connection a little apart; then it is closed."""
        wire = await Wire.to(self.served.place)
        answers: list[Answer] = []
        try:
            for i, piece in enumerate(sent):
                if i:
                    await asyncio.sleep(0.2)  # so that it is another piece on the other side too
                await wire.send(piece)
            while not answers or answers[-1].status == 100:
                answers.append(await wire.answer(head_only=head_only))
        except (EOFError, ConnectionError):
            pass
        finally:
            await wire.close()
        return answers

    async def live(self) -> list[Any]:
        """The requests that it is working on."""
        found: list[Any] = (await self.exchange(ask("GET", "/v2/requests")))[0].json["requests"]
        return found

    async def refuse(self, *sent: bytes, statuses: tuple[int, ...] = ()) -> list[Answer]:
        """Send it, and check whatever must hold of every answer."""
        began = time.monotonic()
        answers = await asyncio.wait_for(self.exchange(*sent), PATIENCE)
        assert time.monotonic() - began < PATIENCE
        for answer in answers:
            assert answer.status < 500 or answer.status in TRUTHS, answer
            assert not statuses or answer.status in statuses, answer
            check_text(answer.body.decode("utf-8", "replace") + str(answer.headers))
        return answers


def check_text(text: str) -> None:
    """No secret, no traceback, nobody's file."""
    for name, secret in SECRETS.items():
        assert secret not in text, f"the {name} is told"
    for sign in ("Traceback", "root:x:0:0"):
        assert sign not in text, text[:2000]


def resident(served: Served) -> int:
    """Bytes of memory that the server has."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """A server with secrets of every kind, as an operator would start it."""
    folder = tmp_path_factory.mktemp("siege")
    room = Room(
        folder,
        {
            "OPENAI_API_KEY": SECRETS["environment"],
            "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",  # nothing of a test leaves this machine
            "CANARY": SECRETS["environment"],
        },
    )
    home = room.home
    home.mkdir()
    remote = {"class": "openai", "parameters": {"base_url": "http://127.0.0.1:9/v1"}}
    (home / "config.json").write_text(
        json.dumps(
            {
                "version": "2.0",
                "globalSettings": {
                    "server": {
                        "apiKeys": [{"name": "operator", "key": KEY, "role": "operate"}],
                        "limits": {"headSeconds": 1.5, "bodySeconds": 1.5},
                        "accessLog": str(folder / "access.log"),
                        "logLevel": "info",
                    }
                },
                "capabilities": {
                    "LLM": {"runners": {"mock_llm": {"class": "mock_llm"}, "remote": remote}}
                },
            }
        )
    )
    (home / "secrets.json").write_text(json.dumps({"remote": {"api_key": SECRETS["parameter"]}}))
    with room.serving() as served:
        found = Siege(served, folder)
        asyncio.run(warm_up(found))
        yield found


async def warm_up(siege: Siege) -> None:
    """Load what is loaded once, so that it is not taken for a hang."""
    picture = chat(image(uri(png(64, 64))))
    spoken = post("/v1/audio/speech", {"input": "Hello", "model": "auto"})
    heard = post("/v1/audio/transcriptions", sound(wav(1.0)), content_type=hostile.FORM)
    for sent in (post("/v1/chat/completions", picture), spoken, heard):
        await siege.exchange(sent)


@pytest.fixture(autouse=True)
async def alive(siege: Siege) -> object:
    """After every test the server answers as before."""
    yield
    answer = (await siege.exchange(ask("GET", "/health")))[0]
    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def refused_everywhere(
    siege: Siege, requests: dict[str, bytes], statuses: tuple[int, ...] = ()
) -> None:
    """Each request is tried; all that are answered wrongly are told together."""
    wrong = {}
    for name, sent in requests.items():
        try:
            answers = await siege.refuse(sent, statuses=statuses)
            assert answers, "no answer"
        except (AssertionError, TimeoutError) as error:
            wrong[name] = str(error)[:500]
    assert wrong == {}


@pytest.mark.parametrize("path", hostile.JSON_ROUTES)
async def test_bodies_that_are_no_requests(siege: Siege, path: str) -> None:
    await refused_everywhere(siege, {n: post(path, b) for n, b in hostile.BODIES.items()})


LONG = ("long speech", "large pictures", "larger pictures")
"""Honest work, which the request's deadline bounds."""


@pytest.mark.parametrize("name", hostile.COSTLY)
async def test_requests_that_cost_much(siege: Siege, name: str) -> None:
    """Refused, or done at once; else others are served meanwhile, and leaving ends it."""
    path, body = hostile.COSTLY[name]
    try:
        assert await siege.refuse(post(path, body))
    except TimeoutError:
        assert name in LONG
        await siege.refuse(ask("GET", "/health"), statuses=(200,))
    async with asyncio.timeout(PATIENCE):
        while await siege.live():  # noqa: ASYNC110  # another process has no event for us
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("path", hostile.FORM_ROUTES)
async def test_forms_that_are_no_forms(siege: Siege, path: str) -> None:
    requests = {n: post(path, b, content_type=t) for n, (b, t) in hostile.FORMS.items()}
    await refused_everywhere(siege, requests)


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/metrics", "/openapi.json", "/v1/models", "/v2/runners"]
)
async def test_a_body_where_none_belongs(siege: Siege, path: str) -> None:
    requests = {n: ask("GET", path, b) for n, b in hostile.BODIES.items() if len(b) < 10_000}
    await refused_everywhere(siege, requests, (200, 503))


async def test_sounds_that_lie(siege: Siege) -> None:
    path = "/v1/audio/transcriptions"
    for name, data in hostile.SOUNDS.items():
        sent = post(path, sound(data), content_type=hostile.FORM)
        answers = await siege.refuse(sent, statuses=(200, 400, 413, 415))
        assert answers, name


async def test_sounds_that_lie_in_json(siege: Siege) -> None:
    requests = {
        name: post("/v2/stream/asr", {"audio": uri(data).rpartition(",")[2], "deadline": 4})
        for name, data in hostile.SOUNDS.items()
    }
    await refused_everywhere(siege, requests)


@pytest.mark.parametrize("name", hostile.PICTURES)
async def test_pictures_that_are_bombs(siege: Siege, name: str) -> None:
    body = chat(image(hostile.PICTURES[name]))
    answers = await siege.refuse(post("/v1/chat/completions", body))
    assert answers


async def test_pictures_at_addresses_where_nobody_is_sent(siege: Siege) -> None:
    requests = {url: post("/v1/chat/completions", chat(image(url))) for url in hostile.ADDRESSES}
    await refused_everywhere(siege, requests, (400, 404))


async def test_files_at_addresses_and_paths(siege: Siege) -> None:
    requests = {url: post("/v2/stream/asr", {"file": url}) for url in hostile.ADDRESSES}
    await refused_everywhere(siege, requests, (400, 404))
    requests = {
        url: post(
            "/v2/stream/vlm",
            {"messages": [{"role": "user", "content": [{"type": "image", "url": url}]}]},
        )
        for url in hostile.ADDRESSES
    }
    await refused_everywhere(siege, requests, (400, 404))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/{}"), ("DELETE", "/v2/uploads/{}"), ("DELETE", "/v2/requests/{}"),
        ("GET", "/v2/requests/{}/events"), ("POST", "/v2/stream/{}"), ("GET", "/{}"),
    ],
)  # fmt: skip
async def test_names_that_lead_elsewhere(siege: Siege, method: str, path: str) -> None:
    requests = {n: ask(method, path.format(n)) for n in hostile.TRAVERSALS}
    await refused_everywhere(siege, requests, (400, 404, 405))


async def test_names_in_bodies_that_lead_elsewhere(siege: Siege) -> None:
    requests = {}
    for name in hostile.TRAVERSALS:
        requests[f"model {name}"] = post("/v1/chat/completions", chat() | {"model": name})
        spoken = {"input": "x", "voice": name, "model": "auto"}
        requests[f"voice {name}"] = post("/v1/audio/speech", spoken)
        part = {"type": "file", "file": {"file_id": name}}
        requests[f"file {name}"] = post("/v1/chat/completions", chat(part))
    await refused_everywhere(siege, requests, (200, 400, 404))


async def test_operators_parameters_are_not_the_callers(siege: Siege) -> None:
    moved = {"runner": "remote", "params": {"base_url": "http://127.0.0.1:1/", "api_key": "x"}}
    requests = {
        "openai": post("/v1/chat/completions", chat() | {"breeze": moved}),
        "native": post("/v2/stream/llm", {"messages": [{"role": "user", "content": "x"}], **moved}),
        "path": post("/v2/stream/llm", {"messages": [], "params": {"model_path": "/etc/passwd"}}),
    }
    await refused_everywhere(siege, requests, (400,))


async def test_settings_that_are_none(siege: Siege) -> None:
    parameters = {
        "__class__": "x", "api_key": ["x"], "base_url": "file:///etc/passwd", "": 1,
        "base_url ": "x", "headers": {"a": {}}, "organization": {"x": "y"}, "key_header": "host",
    }  # fmt: skip
    bodies: dict[str, Any] = {
        name: {"runner_parameters": {"remote": {name: value}}} for name, value in parameters.items()
    }
    bodies["instance"] = {"runner_parameters": {"../../x": {"a": 1}}}
    bodies["selection"] = {"selected_runners": {"LLM": "../../x", "llm": "mock_llm"}}
    bodies["guardian"] = {"guardian_config": {"x": 1}}
    requests = {name: post("/v2/settings", body) for name, body in bodies.items()}
    await refused_everywhere(siege, requests, (400,))


HELLO = {"model": "mock_llm", "messages": [{"role": "user", "content": "Hello"}]}
CHAT = post("/v1/chat/completions", HELLO)
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-api-key: " + KEY.encode()
CHUNKED = HEAD + b"\r\ntransfer-encoding: chunked\r\n\r\n"


def socket(path: str = "/v2/router", /, **headers: str) -> bytes:
    """The handshake of a WebSocket."""
    usual = {
        "upgrade": "websocket", "connection": "Upgrade", "sec_websocket_version": "13",
        "sec_websocket_key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }  # fmt: skip
    return ask("GET", path, b"", **{**usual, **headers})


WIRE: dict[str, tuple[tuple[bytes, ...], tuple[int, ...]]] = {
    "foreign host": ((ask("GET", "/v1/models", host="evil.example"),), (403,)),
    "foreign page": ((ask("GET", "/v1/models", origin="https://evil.example"),), (403,)),
    "page without an origin": ((post("/v2/settings", {}, sec_fetch_site="cross-site"),), (403,)),
    "opaque page": ((post("/v2/settings", {}, origin="null"),), (403,)),
    "two hosts": ((b"GET /health HTTP/1.1\r\nhost: x\r\nhost: localhost\r\n\r\n",), (400,)),
    "no host": ((b"GET /health HTTP/1.1\r\n\r\n",), (400,)),
    "two keys": ((ask("GET", "/v1/models", authorization="Bearer a\r\nauthorization: Bearer b"),),
                 (400,)),
    "packed body": ((post("/v1/embeddings", b"\x1f\x8b", content_encoding="gzip"),), (415,)),
    "wrong type": ((post("/v1/embeddings", b"a=b", content_type="text/xml"),), (400,)),
    "wrong type of form": ((post("/v2/uploads", b"x", content_type="multipart/mixed"),), (400,)),
    "half a head": ((b"GET /health HT",), (408,)),
    "half a body": ((CHAT[:-3],), (408,)),
    "body in drops": (tuple(CHAT[i : i + 40] for i in range(0, len(CHAT), 40)), (200, 408)),
    "half a chunk": ((CHUNKED + b"ff\r\nabc",), (408,)),
    "chunks without an end": ((CHUNKED + b"1\r\n{\r\n",), (408,)),
    "chunk of wrong size": ((CHUNKED + b"2\r\nabc\r\n0\r\n\r\n",), (400,)),
    "long chunk extension": ((CHUNKED + b"1;" + b"a" * 200_000 + b"\r\n{\r\n0\r\n\r\n",),
                             (400, 408, 413, 431)),
    "trailers": ((CHUNKED + b"0\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",), (400, 408, 413, 431)),
    "many small chunks": ((CHUNKED + b"1\r\n \r\n" * 100_000 + b"0\r\n\r\n",), (400,)),
    "expects to go on": ((HEAD + b"\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n", b"{}"),
                         (100, 400)),
    "expects something else": ((HEAD + b"\r\nexpect: x\r\ncontent-length: 2\r\n\r\n{}",),
                               (400, 417)),
    "expects and is too large": ((HEAD + b"\r\nexpect: 100-continue\r\ncontent-length: 99999999999"
                                  b"\r\n\r\n",), (413,)),
    "asks for another protocol": ((ask("GET", "/health", upgrade="h2c", connection="upgrade"),),
                                  (200, 400)),
    "opens a socket nowhere": ((ask("GET", "/health", upgrade="websocket", connection="upgrade"),),
                               (200, 400, 403, 404, 426)),
    "socket": ((socket(),), (101,)),
    "socket without a key": ((socket(x_api_key=""),), (401,)),
    "socket with a wrong key": ((socket(x_api_key="x"),), (401,)),
    "socket of a foreign page": ((socket(origin="https://evil.example"),), (403,)),
    "socket of a page without an origin": ((socket(sec_fetch_site="cross-site"),), (403,)),
    "socket for a foreign host": ((socket(host="evil.example"),), (403,)),
    "socket elsewhere": ((socket("/v2/settings"),), (404,)),
    "socket of another version": ((socket(sec_websocket_version="99"),), (400, 426)),
    "socket with a wrong key of its own": ((socket(sec_websocket_key="x"),), (400,)),
    "many headers": ((b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"a: b\r\n" * 5000 + b"\r\n",),
                     (431,)),
    "one long header": ((ask("GET", "/health", x="a" * 100_000),), (431,)),
    "many cookies": ((ask("GET", "/health", cookie="a=b; " * 20_000),), (431,)),
    "long URL": ((ask("GET", "/v1/models?" + "a" * 20_000),), (414,)),
    "very long URL": ((ask("GET", "/" + "a" * 200_000),), (414, 431)),
    "many parameters": ((ask("GET", "/v2/requests/x/events?" + "after=1&" * 1000),), (404,)),
    "odd parameters": ((ask("GET", "/v2/requests/x/events?after=%ff&after=-1&=&&%"),), (400, 404)),
    "many ranges": ((ask("GET", "/openapi.json", range="bytes=" + "0-1," * 5000),), (200,)),
    "circles": ((ask("GET", "/health", x_breeze_hops="99"),), (400,)),
    "resumes for ever": ((post("/v2/stream/llm", {}, x_breeze_resume="9" * 50),), (400,)),
    "SQL for a key": ((ask("GET", "/v1/models", x_api_key="' OR 1=1 --"),), (401,)),
    "long key": ((ask("GET", "/v1/models", x_api_key="a" * 60_000),), (401,)),
    "bytes for a key": ((ask("GET", "/v1/models", authorization="Bearer \xff\xfe\xfd"),), (401,)),
    "basic key": ((ask("GET", "/v1/models", x_api_key="", authorization="Basic e30="),), (401,)),
    "almost the key": ((ask("GET", "/v1/models", x_api_key=KEY[:-1]),), (401,)),
    "absolute URL": ((ask("GET", "http://evil.example/health"),), (200, 400, 404)),
    "proxy": ((ask("CONNECT", "evil.example:443"),), (400, 404, 405)),
    "trace": ((ask("TRACE", "/health"),), (400, 405)),
    "unknown method": ((ask("FROBNICATE", "/health"),), (400, 405)),
    "override": ((ask("GET", "/v2/settings", x_http_method_override="PATCH"),), (200,)),
    "forwarded": ((ask("GET", "/v2/settings", x_api_key="", x_forwarded_for="127.0.0.1"),), (401,)),
    "original URL": ((ask("GET", "/health", x_original_url="/v2/settings"),), (200,)),
    "old protocol": ((b"GET /health HTTP/1.0\r\n\r\n",), (200,)),
    "oldest protocol": ((b"GET /health\r\n\r\n",), (400,)),
    "HTTP/2": ((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), (400,)),
    "TLS": ((b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(100),), (400,)),
    "zeros": ((bytes(100_000),), (400,)),
    "line ends": ((b"\r\n" * 50_000,), (400, 408, 431)),
}  # fmt: skip
"""What goes wrong on the wire, and what may be answered."""


@pytest.mark.parametrize("name", WIRE)
async def test_bytes_that_are_no_honest_http(siege: Siege, name: str) -> None:
    sent, statuses = WIRE[name]
    assert await siege.refuse(*sent, statuses=statuses)


async def test_many_requests_in_one_piece(siege: Siege) -> None:
    wire = await Wire.to(siege.served.place)
    await wire.send(ask("GET", "/health") * 500 + CHAT * 20 + ask("GET", "/none") * 100)
    statuses = [(await wire.answer()).status for _ in range(620)]
    assert statuses == [200] * 520 + [404] * 100
    await wire.close()


async def test_connections_that_say_nothing_are_closed_and_keep_nobody_out(siege: Siege) -> None:
    silent = [await Wire.to(siege.served.place) for _ in range(200)]
    assert (await siege.exchange(ask("GET", "/health")))[0].status == 200
    async with asyncio.timeout(PATIENCE):
        for wire in silent:
            assert await wire.closed()
            await wire.close()


async def test_clients_that_leave_at_every_place(siege: Siege) -> None:
    for cut in range(0, len(CHAT), 7):
        wire = await Wire.to(siege.served.place)
        await wire.send(CHAT[:cut])
        wire.writer.transport.abort()


async def test_the_same_again_takes_no_more_memory(siege: Siege) -> None:
    async def everything() -> int:
        for path in hostile.JSON_ROUTES:
            for body in hostile.BODIES.values():
                await siege.exchange(post(path, body))
        for data, kind in hostile.FORMS.values():
            for path in hostile.FORM_ROUTES:
                await siege.exchange(post(path, data, content_type=kind))
        for url in hostile.PICTURES.values():
            await siege.exchange(post("/v1/chat/completions", chat(image(url))))
        return resident(siege.served)

    for _ in range(2):
        before = await everything()
    assert await everything() - before < 20_000_000


async def test_a_large_request_is_freed_when_it_is_answered(siege: Siege) -> None:
    """Not only when the garbage collector comes round, which may be many requests later."""
    path, body = hostile.COSTLY["long text"]
    sent = post(path, {**body, "model": "mock_llm"})
    for _ in range(3):
        await siege.exchange(sent)
    before = resident(siege.served)
    for _ in range(8):
        assert (await siege.exchange(sent))[0].status == 200
    assert resident(siege.served) - before < 40_000_000  # eight of them are eighty


async def test_afterwards_nothing_was_told(siege: Siege) -> None:
    """Runs last: what the server wrote down of all the others."""
    for path in ("/metrics", "/v2/settings", "/v2/runners", "/v2/models", "/v1/models", "/ready"):
        check_text((await siege.exchange(ask("GET", path)))[0].body.decode())
    told = siege.served.said + (siege.folder / "access.log").read_text()
    check_text(told)
    for name in ("breeze.sqlite", "breeze.sqlite-wal", "settings.json"):
        file = siege.folder / "home" / name
        if file.exists():
            check_text(file.read_bytes().decode("latin-1"))
