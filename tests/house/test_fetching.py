"""One function fetches what a caller names. All other ways out are listed, with what they are."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.source import FILES, imports, name_of, tree

CLIENTS = {
    "aiohttp", "ftplib", "http.client", "httpx", "httpcore", "imaplib", "pycurl", "requests",
    "smtplib", "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc",
}  # fmt: skip
"""Modules that speak to other machines."""
CALLS = {"open_connection", "create_connection", "open_unix_connection", "create_unix_connection"}
ALLOWED = {
    "runners/_fetch_http.py": "what a caller named, judged and pinned by runners/_fetch.py",
    "runners/_http_connect.py": "the server that an operator configured as a runner's base URL",
    "surfaces/http/siblings.py": "the other processes of the same server, over a socket file",
    "models/web": "a hub that an operator configured, and the addresses of a catalogue's models",
    "client/": "the server that the user of the client chose",
}


def is_listed(file: Path) -> bool:
    return any(name_of(file).startswith(place) for place in ALLOWED)


def ways_out(file: Path) -> list[str]:
    """What of the file reaches another machine."""
    found = [
        f"{line}: imports {target}"
        for line, target in imports(file)
        if any(f"{target}.".startswith(f"{client}.") for client in CLIENTS)
    ]
    for node in ast.walk(tree(file)):
        name = getattr(node, "attr", getattr(node, "id", ""))
        if name in CALLS:
            found.append(f"{getattr(node, 'lineno', 0)}: calls {name}")
    return found


@pytest.mark.parametrize("file", [f for f in FILES if not is_listed(f)], ids=name_of)
def test_nothing_else_opens_a_connection(file: Path) -> None:
    assert ways_out(file) == []


@pytest.mark.parametrize("place", ALLOWED)
def test_the_list_names_what_is_there(place: str) -> None:
    assert any(ways_out(f) for f in FILES if name_of(f).startswith(place)), place


def test_a_private_part_is_used_by_those_alone_who_are_meant_to() -> None:
    """Whoever fetches goes through the judge, not round it."""
    users = {
        name_of(file)
        for file in FILES
        for _, target in imports(file)
        if target.startswith("breeze.runners._fetch_http")
    }
    assert users == {"runners/_fetch.py"}
