"""A network that is left through a proxy only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from breeze.contracts.errors import InputError, UnavailableError
from breeze.models import StoreSettings
from breeze.models.proxy import Proxies
from breeze.testing.standins.hub import HubStandin
from tests.models.hub import opened, pulled


@asynccontextmanager
async def proxy(hub: HubStandin) -> AsyncIterator[tuple[int, list[str]]]:
    """A proxy that leads everything to `hub`; its port, and the heads of what it was asked."""
    asked, tasks = list[str](), set[asyncio.Task[None]]()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head)
        path = "/" + head.split()[1].split("/", 3)[3]
        rest = head.partition("\r\n")[2]
        first = f"GET {path} HTTP/1.1\r\n{rest}"
        inward, onward = await asyncio.open_connection("127.0.0.1", hub.port)
        onward.write(first.encode())
        for pair in ((reader, onward), (inward, writer)):
            tasks.add(asyncio.create_task(carry(*pair)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()
        for task in tasks:
            task.cancel()


async def test_what_is_fetched_goes_through_the_proxy(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, proxy(hub) as (port, asked):
        hub.plain["m.txt"] = b"text"
        proxies = Proxies(http=f"http://me:se%40cret@127.0.0.1:{port}", none="localhost, .inside")
        async with opened(tmp_path, hub, proxies=proxies, endpoint="http://hub.example") as store:
            assert (await pulled(store, "http://hub.example/files/m.txt")).id == "m"
    assert asked[0].startswith("GET http://hub.example/files/m.txt HTTP/1.1\r\n")
    assert "proxy-authorization: basic bwu6c2vay3jlda==" in asked[0].lower()


async def test_a_proxy_opens_nothing_that_is_closed(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub, proxy(hub) as (port, asked):
        proxies = Proxies(http=f"127.0.0.1:{port}")
        how = {"proxies": proxies, "private_networks": False, "endpoint": "http://hub.example"}
        async with opened(tmp_path, hub, **how) as store:
            for host in ("127.0.0.1", "10.0.0.1", "localhost", "[::1]"):
                with pytest.raises(InputError, match="public"):
                    await pulled(store, f"http://{host}:{hub.port}/files/m.txt", id="m")
    assert asked == []


async def test_a_proxy_that_is_not_there_is_no_secret_told(tmp_path: Path) -> None:
    async with HubStandin.serving() as hub:
        proxies = Proxies(http="http://me:secret@127.0.0.1:9")
        async with opened(tmp_path, hub, proxies=proxies, tries=1) as store:
            with pytest.raises(UnavailableError, match="cannot be") as caught:
                await pulled(store, "http://x.example/files/m.txt")
    assert "secret" not in f"{caught.value.message} {proxies!r}"
    assert hub.calls == []


def test_the_environment_says_who_the_proxy_is() -> None:
    environ = {"HTTPS_PROXY": "http://one:1", "http_proxy": "two:2", "NO_PROXY": "a.b,10.0.0.0/8"}
    found = StoreSettings.from_environ(environ).proxies
    assert found == ("http://one:1", "two:2", "a.b,10.0.0.0/8")
    urls = {url: found.for_url(url) for url in (
        "https://x.y/f", "http://x.y/f", "https://a.b/f", "https://c.a.b/f", "https://ca.b/f",
        "http://10.1.2.3/f", "http://127.0.0.1:1/f", "http://localhost/f", "http://[::1]/f",
    )}  # fmt: skip
    led = {url: proxy.url for url, proxy in urls.items() if proxy}
    assert led == {
        "https://x.y/f": "http://one:1", "http://x.y/f": "http://two:2",
        "https://ca.b/f": "http://one:1",
    }  # fmt: skip
    assert (
        Proxies.from_environ({"ALL_PROXY": "http://p", "NO_PROXY": "*"}).for_url("http://x") is None
    )
    with pytest.raises(InputError, match="no address"):
        Proxies(https="socks5://p:1").for_url("https://x")
