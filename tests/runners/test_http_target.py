"""Base URLs, and the heads of requests."""

from __future__ import annotations

import pytest

from breeze.contracts.errors import InputError
from breeze.runners._http_target import header_fields, request_head, target_of


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example.com/v1", (True, "api.example.com", 443, "api.example.com", "/v1")),
        ("http://127.0.0.1:9001/v1/", (False, "127.0.0.1", 9001, "127.0.0.1:9001", "/v1")),
        ("http://[::1]:80/v1", (False, "::1", 80, "[::1]", "/v1")),
        ("https://[fe80::1]:8443", (True, "fe80::1", 8443, "[fe80::1]:8443", "")),
        (" HTTP://Example.COM:80 ", (False, "example.com", 80, "example.com", "")),
        ("https://bücher.example/a%20b", (True, "xn--bcher-kva.example", 443,
                                          "xn--bcher-kva.example", "/a%20b")),
    ],
)  # fmt: skip
def test_where_a_base_url_leads(url: str, expected: tuple[object, ...]) -> None:
    assert tuple(target_of(url)) == expected


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "must begin with http"),
        ("127.0.0.1:9001/v1", "must begin with http"),
        ("ftp://host/", "must begin with http"),
        ("file:///etc/passwd", "must begin with http"),
        ("http:///v1", "has no host"),
        ("http://user:canary@host/v1", "must not hold a user name or password"),
        ("http://host/v1?key=1", "must end with the path"),
        ("http://host/v1#x", "must end with the path"),
        ("http://host/a b", "must be percent-encoded"),
        ("http://host:99999/", "Port"),
        ("http://host:x/", "Port"),
        ("http://[::1/", "Invalid IPv6"),
    ],
)
def test_what_is_no_base_url_is_refused(url: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as refused:
        target_of(url)
    assert refused.value.field == "base_url"
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("[::1]", True), ("localhost", True),
     ("x.localhost", True), ("10.0.0.1", False), ("localhost.example", False)],
)  # fmt: skip
def test_what_is_this_machine(host: str, local: bool) -> None:
    assert target_of(f"http://{host}/").loopback is local


def test_a_line_break_never_reaches_the_wire() -> None:
    target = target_of("http://host/v1")
    for value in ("k\r\nx-evil: 1", "k\n", "k\x00", "kä", "k\u2028"):
        with pytest.raises(InputError) as refused:
            request_head(target, "POST", "/x", {"authorization": value}, "application/json")
        assert "x-evil" not in str(refused.value)


def test_headers_as_a_person_writes_them() -> None:
    assert header_fields("X-Team: red\n\n x-more : 1:2 \n") == {"x-team": "red", "x-more": "1:2"}
    assert header_fields("") == {}


@pytest.mark.parametrize("text", ["nonsense", "a b: 1", "host: evil", "Content-Length: 3", ": x"])
def test_headers_that_cannot_be_sent_are_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        header_fields(text)
    assert refused.value.field == "headers"
