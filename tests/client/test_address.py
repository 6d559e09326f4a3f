"""Where the server is, with which key, and what is never said."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
import uvicorn

from breeze.client import Client
from breeze.client.connection import Connection
from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.surfaces.http.app import App
from breeze.surfaces.http.native import stream
from breeze.surfaces.http.protocol import Protocol
from breeze.surfaces.http.routes import Table
from breeze.surfaces.http.table import TABLE
from tests.client.conftest import raw

KEY = "brz-canary-5f1c"


def test_the_default_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BREEZE_URL", raising=False)
    assert Client().url == "http://127.0.0.1:8765"
    monkeypatch.setenv("BREEZE_URL", "https://breeze.example/")
    assert Client().url == "https://breeze.example"
    assert Client("http://other:1").url == "http://other:1"


async def test_the_key_travels_as_bearer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREEZE_KEY", KEY)
    async with raw(()) as server, Client(server.url) as client:
        with pytest.raises(RunnerError):
            await client.run(ChatRequest.of("Hello"))
        assert f"Authorization: Bearer {KEY}".lower() in server.asked[0].decode().lower()


async def test_the_key_is_never_shown() -> None:
    async with raw(()) as server, Client(server.url, KEY) as client:
        assert KEY not in repr(client)
        assert KEY not in repr(client.stream(ChatRequest.of("Hello")))
        with pytest.raises(RunnerError) as caught:
            await client.run(ChatRequest.of("Hello"))
        assert KEY not in f"{caught.value!r} {caught.value} {caught.value.info()}"
    with pytest.raises(InputError) as wrong:
        Client(key=f"{KEY}\n")
    assert KEY not in str(wrong.value)
    assert KEY not in repr(Connection("http://127.0.0.1:1", KEY, None))


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8765", "ftp://host", "http://", "http://host:99999", "http://host:x",
        "http://user:pass@host", "http://host?x=1", "http://host#x", "http://[::1",
    ],
)  # fmt: skip
def test_an_address_that_makes_no_sense(url: str) -> None:
    with pytest.raises(InputError) as caught:
        Client(url)
    assert caught.value.field == "url"
    assert "pass" not in str(caught.value).replace("a password", "")


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets there")
async def test_over_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "breeze.sock"
    routes = {(r.method, r.path): r for r in (*TABLE.routes, *stream.ROUTES)}
    async with Engine.open(home=tmp_path, environ={}) as engine:
        app = App(engine, Table(routes.values()))
        config = uvicorn.Config(
            app, http=Protocol, uds=str(path), lifespan="off", log_level="error"
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.001)
        async with Client(uds=path) as client:
            assert (await client.run(ChatRequest.of("Hi", runner="mock_llm"))).mock
            assert str(path) in repr(client)
        server.should_exit = True
        await running


IMPORT = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"no {{name}}", name=name)
sys.meta_path.insert(0, Blocked())
from breeze.client import Client, SyncClient
from breeze.contracts.requests import ChatRequest
"""
USE = """
with SyncClient() as client:
    try:
        client.run(ChatRequest.of("Hello"))
    except Exception as error:
        print(type(error).__name__, error)
"""


def ran(code: str) -> str:
    """What a fresh interpreter prints."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=quiet, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_loads_without_aiohttp_and_says_what_is_missing_when_used() -> None:
    said = ran(IMPORT.format(blocked={"aiohttp"}) + USE)
    assert "pip install 'breeze-engine[client]'" in said
    assert said.startswith("UnavailableError")


def test_it_loads_nothing_of_a_server_or_an_engine() -> None:
    ours = ("engine", "config", "runners", "service", "surfaces")
    theirs = {"uvicorn", "uvloop", "starlette", "websockets", "prometheus_client", "httptools"}
    code = IMPORT.format(blocked=theirs)
    loaded = ran(f"{code}\nprint([n for n in sys.modules if n.startswith('breeze.')])")
    assert not any(f"breeze.{name}" in loaded for name in ours)
    assert "aiohttp" not in ran(f"{code}\nprint([n for n in sys.modules if n == 'aiohttp'])")
