"""Who gets in: Host, Origin, repeated headers, hops, and the length of the URL."""

from __future__ import annotations

import time
from typing import Any

import pytest

from breeze.contracts.errors import InputError, RunnerError
from breeze.surfaces.http.asked import Asked, split_url
from breeze.surfaces.http.gate import LONGEST_URL, Gate
from tests.http.conftest import Serve
from tests.http.raw import ask, request


def enter(
    gate: Gate, *headers: tuple[bytes, bytes], url: bytes = b"/x", method: str = "POST",
    version: str = "1.1",
) -> None:  # fmt: skip
    """Ask the gate as the server would."""
    asked = Asked(method, *split_url(url), list(headers))
    asked.version = version
    gate.check(asked)


def status_of(gate: Gate, *headers: tuple[bytes, bytes], **more: Any) -> int:
    with pytest.raises(RunnerError) as caught:
        enter(gate, *headers, **more)
    return int(caught.value.data.get("status", caught.value.status))


LOCAL = [b"127.0.0.1", b"127.0.0.1:8765", b"localhost", b"LOCALHOST:1", b"[::1]", b"[::1]:8765"]
FOREIGN = [
    b"evil.example", b"evil.example:8765", b"localhost.evil.example", b"127.0.0.1.evil.example",
    b"evil.example#localhost", b"localhost:8765@evil.example", b"localhost:", b"localhost:x",
    b"0.0.0.0", b"0x7f.1", b"2130706433", b"[::ffff:127.0.0.1]", b"127.1", b"localhost.", b"",
    b" localhost", b"localhost,evil.example", b"\xff", b"::1",
]  # fmt: skip


@pytest.mark.parametrize("host", LOCAL)
def test_the_loopback_names_are_answered_on_any_port(host: bytes) -> None:
    enter(Gate(), (b"host", host))


@pytest.mark.parametrize("host", FOREIGN)
def test_another_name_is_refused(host: bytes) -> None:
    assert status_of(Gate(), (b"host", host)) == 403


def test_a_request_without_a_host_is_refused_unless_it_is_of_the_old_kind() -> None:
    assert status_of(Gate(), version="1.1") == 400
    enter(Gate(), version="1.0")


@pytest.mark.parametrize(
    ("bind", "hosts", "fine", "refused"),
    [
        ("127.0.0.1", [], b"localhost:1", b"192.0.2.7"),
        ("127.0.0.2", [], b"127.0.0.2:1", b"127.0.0.3"),
        ("127.0.0.1", ["Breeze.Example"], b"breeze.example:443", b"other.example"),
        ("127.0.0.1", ["breeze.example:443"], b"breeze.example:443", b"breeze.example:80"),
        ("192.0.2.7", ["breeze.example"], b"192.0.2.7:8765", b"192.0.2.8"),
        ("2001:db8::7", ["[2001:DB8:0::8]"], b"[2001:db8::8]:1", b"[2001:db8::9]"),
        ("0.0.0.0", ["breeze.example"], b"breeze.example", b"other.example"),
    ],
)
def test_a_bind_answers_to_its_names(
    bind: str, hosts: list[str], fine: bytes, refused: bytes
) -> None:
    gate = Gate.of_bind(bind, hosts=hosts)
    enter(gate, (b"host", fine))
    assert status_of(gate, (b"host", refused)) == 403


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.7", ""])
def test_a_public_bind_and_a_socket_file_answer_to_any_name_unless_told(bind: str) -> None:
    enter(Gate.of_bind(bind), (b"host", b"whatever.example"))


@pytest.mark.parametrize("host", ["", "a b", "http://x", "x/y", "[::1", "[zz]", "*", "x:123456"])
def test_what_is_no_host_cannot_be_allowed(host: str) -> None:
    with pytest.raises(InputError) as caught:
        Gate(hosts=[host])
    assert caught.value.field == "allowedHosts"


CHAT = "/v1/chat/completions"
HOST = (b"host", b"localhost:8765")


@pytest.mark.parametrize("origin", [b"http://localhost:8765", b"https://LocalHost:8765"])
def test_a_page_of_the_server_itself_may_use_it(origin: bytes) -> None:
    enter(Gate(), HOST, (b"origin", origin))


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example", b"null", b"", b"http://localhost", b"http://localhost:3000",
        b"http://127.0.0.1:8765", b"file://", b"http://localhost:8765.evil.example",
        b"chrome-extension://abc", b"http://localhost:8765, https://evil.example", b"\xff\xfe",
    ],
)  # fmt: skip
def test_a_page_of_elsewhere_may_not(origin: bytes) -> None:
    assert status_of(Gate(), HOST, (b"origin", origin)) == 403


def test_a_page_that_was_allowed_may() -> None:
    gate = Gate(origins=["https://app.example"])
    enter(gate, HOST, (b"origin", b"https://app.example"), (b"sec-fetch-site", b"cross-site"))
    assert status_of(gate, HOST, (b"origin", b"https://app.example:444")) == 403


@pytest.mark.parametrize("origin", ["*", "app.example", "https://a/", "ftp://a", "https://*.a", ""])
def test_what_is_no_origin_cannot_be_allowed(origin: str) -> None:
    with pytest.raises(InputError) as caught:
        Gate(origins=[origin])
    assert caught.value.field == "allowedOrigins"


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
@pytest.mark.parametrize("site", [b"cross-site", b"same-site"])
def test_a_browser_that_hides_its_origin_changes_nothing(method: str, site: bytes) -> None:
    assert status_of(Gate(), HOST, (b"sec-fetch-site", site), method=method) == 403
    enter(Gate(), HOST, (b"sec-fetch-site", site), method="GET")
    enter(Gate(), HOST, (b"sec-fetch-site", b"same-origin"), method=method)
    enter(Gate(), HOST, (b"sec-fetch-site", b"none"), method=method)


@pytest.mark.parametrize(
    "name", [b"host", b"authorization", b"content-length", b"transfer-encoding", b"x-api-key"]
)
def test_a_header_that_decides_is_there_once(name: bytes) -> None:
    twice = [(name, b"127.0.0.1"), (name, b"127.0.0.1")]
    assert status_of(Gate(), *([HOST] if name != b"host" else []), *twice) == 400


def test_other_headers_may_be_there_twice() -> None:
    enter(Gate(), HOST, (b"accept", b"text/html"), (b"accept", b"*/*"))


def test_a_request_does_not_go_round_in_circles() -> None:
    gate = Gate(hops=3)
    enter(gate, HOST, (b"x-breeze-hops", b"2"))
    for given in (b"3", b"9999"):
        assert status_of(gate, HOST, (b"x-breeze-hops", given)) == 400
    for wrong in (b"", b"-1", b"1e1", b"99999", b"two", b"\xc2\xb2"):
        assert status_of(gate, HOST, (b"x-breeze-hops", wrong)) == 400


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"gzip, gzip", b""])
def test_a_compressed_body_is_refused(encoding: bytes) -> None:
    assert status_of(Gate(), HOST, (b"content-encoding", encoding)) == 415


def test_a_url_has_a_limit() -> None:
    enter(Gate(), HOST, url=b"/" * LONGEST_URL)
    assert status_of(Gate(), HOST, url=b"/" * LONGEST_URL + b"?a") == 414


def test_a_request_costs_the_gate_under_two_microseconds() -> None:
    gate = Gate()
    headers = [HOST, *[(b"x-%d" % i, b"value") for i in range(9)]]
    asked = Asked("POST", "/v1/x", b"", headers)

    def cost() -> float:
        began = time.process_time()
        for _ in range(20_000):
            gate.check(asked)
        return (time.process_time() - began) / 20_000

    assert min(cost() for _ in range(5)) < 2e-6


async def test_a_page_asks_first_and_is_answered_when_it_is_allowed(serve: Serve) -> None:
    gate = Gate(origins=["https://app.example"])
    async with serve(app={"gate": gate}) as server:
        asked = {
            "origin": "https://app.example",
            "access_control_request_method": "POST",
            "access_control_request_headers": "authorization, content-type, x-stainless-os",
        }
        answer = await ask(server.url, request("OPTIONS", CHAT, b"", **asked))
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert answer.headers["access-control-allow-headers"].endswith("x-stainless-os")
        foreign = {**asked, "origin": "https://evil.example"}
        answer = await ask(server.url, request("OPTIONS", CHAT, b"", **foreign))
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers


async def test_a_page_may_read_errors_too(serve: Serve) -> None:
    async with serve(app={"gate": Gate(origins=["https://app.example"])}) as server:
        answer = await ask(server.url, request("GET", "/v1/no", origin="https://app.example"))
        assert answer.status == 404
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"] == "Origin"


async def test_head_is_get_without_a_body(serve: Serve) -> None:
    async with serve() as server:
        whole = await ask(server.url, request("GET", "/health"))
        head = await ask(server.url, request("HEAD", "/health"), head_only=True)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.body))


@pytest.mark.parametrize(
    ("path", "shape"),
    [("/v1/none", "openai"), ("/v2/none", "native"), ("/none", "native"), ("/", "native")],
)
async def test_an_unknown_route_is_json_in_the_dialect_of_its_prefix(
    serve: Serve, path: str, shape: str
) -> None:
    async with serve() as server:
        answer = await ask(server.url, request("POST", path))
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/json"
        assert ("error" in answer.json) == (shape == "openai")
        assert path in answer.error["message"]
        if shape == "openai":
            assert answer.error["code"] == "unknown_route"


@pytest.mark.parametrize(
    "path",
    [
        "//v1/models",
        "/V1/chat/completions",
        "/v1/../health",
        "/%68ealth",
        "/health/",
        "/v1%2fmodels",
    ],
)
async def test_only_the_path_itself_is_the_route(serve: Serve, path: str) -> None:
    async with serve() as server:
        assert (await ask(server.url, request("GET", path))).status == 404


async def test_a_method_that_a_path_does_not_take_is_answered_with_those_it_does(
    serve: Serve,
) -> None:
    async with serve() as server:
        answer = await ask(server.url, request("DELETE", "/v1/chat/completions"))
        assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
        answer = await ask(server.url, request("POST", "/health"))
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_a_foreign_host_and_a_foreign_page_are_refused_over_the_wire(serve: Serve) -> None:
    async with serve() as server:
        foreign = await ask(server.url, request("GET", "/health", host="evil.example"))
        assert (foreign.status, foreign.error["field"]) == (403, "host")
        page = await ask(server.url, request("GET", "/health", origin="https://evil.example"))
        assert (page.status, page.error["field"]) == (403, "origin")
