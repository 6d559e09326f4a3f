"""The address of an Ollama server: every spelling of `OLLAMA_HOST`, and what goes where."""

from __future__ import annotations

from typing import Any

import pytest

from breeze.contracts.errors import InputError
from breeze.runners._ollama_host import server_url
from tests.runners.ollama_asking import made

SPELLINGS = {
    "": "http://127.0.0.1:11434",
    "   ": "http://127.0.0.1:11434",
    "1.2.3.4": "http://1.2.3.4:11434",
    ":56789": "http://127.0.0.1:56789",
    "1.2.3.4:56789": "http://1.2.3.4:56789",
    "http://1.2.3.4": "http://1.2.3.4:80",
    "https://1.2.3.4": "https://1.2.3.4:443",
    "HTTPS://1.2.3.4:56789": "https://1.2.3.4:56789",
    "example.com": "http://example.com:11434",
    "example.com/": "http://example.com:11434",
    "example.com:56789/": "http://example.com:56789",
    "example.com/path": "http://example.com:11434/path",
    "https://example.com:56789/path/": "https://example.com:56789/path",
    "::1": "http://[::1]:11434",
    "[::1]": "http://[::1]:11434",
    "[0001:002:003:0004::1]:56789": "http://[1:2:3:4::1]:56789",
    "https://[::1]/path": "https://[::1]:443/path",
    '"1.2.3.4:56789"': "http://1.2.3.4:56789",
    " ' example.com ' ": "http://example.com:11434",
    "0.0.0.0": "http://127.0.0.1:11434",
    "0.0.0.0:8080": "http://127.0.0.1:8080",
    "[::]:8080": "http://[::1]:8080",
    "ollama.com": "https://ollama.com:443",
    "http://localhost:11434": "http://localhost:11434",
}


@pytest.mark.parametrize("said", SPELLINGS)
def test_every_spelling_is_understood(said: str) -> None:
    assert server_url(said) == SPELLINGS[said]
    assert made(base_url=said).parameters.base_url == SPELLINGS[said]


@pytest.mark.parametrize("said", ["ftp://box", "box:port", "box:70000", "box:0", "http://a b"])
def test_what_is_no_address_is_refused(said: str) -> None:
    with pytest.raises(InputError) as refused:
        made(base_url=said)
    assert refused.value.field == "parameters.base_url"


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(InputError) as refused:
        made(base_url="ftp://me:secret@box")
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("values", "warned"),
    [
        ({"base_url": "box", "api_key": "k-1"}, "the key will travel unencrypted"),
        ({"base_url": "localhost", "api_key": "k-1"}, ""),
        ({"base_url": "https://box", "api_key": "k-1"}, ""),
        ({"base_url": "http://127.0.0.1:11434/v1"}, "leave /v1 out"),
        ({"base_url": "http://127.0.0.1:11434/api"}, "leave /api out"),
        ({"base_url": "http://127.0.0.1:11434/ai"}, ""),
    ],
)
def test_what_may_go_wrong_is_warned_of(values: dict[str, Any], warned: str) -> None:
    found = made().parameters_type.validate_parameters(values)
    assert found.ok
    assert [w.message.startswith(warned) for w in found.warnings] == ([True] if warned else [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("keep_alive", "5 m"),
        ("keep_alive", "soon"),
        ("options", "{"),
        ("options", "[1]"),
        ("headers", "x"),
        ("api_key", "k\r\nx: y"),
        ("timeout", 0),
        ("think", "a lot"),
    ],
)
def test_what_cannot_work_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError) as refused:
        made(**{name: value})
    assert refused.value.field == f"parameters.{name}"


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("", {}),
        ("5m", {"keep_alive": "5m"}),
        ("1h30m", {"keep_alive": "1h30m"}),
        ("-1", {"keep_alive": -1}),
        ("0", {"keep_alive": 0}),
        ("1.5", {"keep_alive": 1.5}),
    ],
)
def test_how_long_a_model_is_kept(said: str, sent: dict[str, Any]) -> None:
    """A number without a unit is sent as a number: as text the server would not understand it."""
    assert made(keep_alive=said).parameters.keeping() == sent


def test_only_the_vendors_own_service_needs_a_key() -> None:
    assert made().check() is None
    assert made(base_url="ollama.com", api_key="k-1").check() is None
    assert "set OLLAMA_API_KEY" in (made(base_url="https://ollama.com").check() or "")


def test_it_is_chosen_only_where_somebody_set_it_up() -> None:
    assert made().info.automatic is False
