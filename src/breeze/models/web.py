"""GETs of what a model is made of. A key stays with its hub, and no redirect leads inside.

The addresses of a name are judged when it is connected to, so that a name that answers
differently the next time gains nothing. Only the hub that was configured may be anywhere.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

from breeze.contracts.errors import InputError, UnavailableError
from breeze.contracts.web_address import Network, Place, is_public, place_of
from breeze.models.settings import StoreSettings
from breeze.models.web_answer import Answer, BrokenOffError, breaks
from breeze.version import __version__

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from aiohttp.abc import ResolveResult

_REDIRECTS = (301, 302, 303, 307, 308)
_STEPS = 6
_PORTS = range(1, 65_536)
_LONGEST = 8192
_EVERYWHERE: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_AHEAD = 1
"""Bytes that wait before no more is read: none that came is lost when a connection breaks, as its
end is only seen once they are taken."""


class Web:
    """Open with `async with`; `get` is for any number of tasks at once."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._hub = place_of(settings.endpoint, "HF_ENDPOINT", _PORTS)
        self._inside: bool | None = None
        self._exits = AsyncExitStack()
        self._free: ClientSession
        self._guarded: ClientSession

    async def __aenter__(self) -> Self:
        self._free = await self._exits.enter_async_context(self._session(_EVERYWHERE))
        self._guarded = await self._exits.enter_async_context(self._session(()))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._exits.aclose()

    @asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str] = {}) -> AsyncIterator[Answer]:
        """The answer to a GET after its redirects. Raises BrokenOffError, InputError."""
        said: dict[str, str] = {}
        from_hub = self._is_hub(self._place(url))
        for _ in range(_STEPS):
            place = self._place(url)
            session = await self._session_for(url, place, from_hub)
            async with self._asked(session, url, place, headers) as response:
                given = {name.lower(): _plain(value) for name, value in response.headers.items()}
                said = given | said  # what the first said of the file, its hub mostly, counts
                where = given.get("location")
                if response.status not in _REDIRECTS or not where:
                    yield Answer(response.status, given, said, url, response)
                    return
                from_hub = from_hub and self._is_hub(place)  # it alone may lead inside
                url = self._onward(url, where)
        raise BrokenOffError(f"is redirected more than {_STEPS - 1} times")

    @asynccontextmanager
    async def _asked(
        self, session: ClientSession, url: str, place: Place, headers: Mapping[str, str]
    ) -> AsyncIterator[ClientResponse]:
        from yarl import URL

        sent = {**headers, "accept-encoding": "identity"}
        if self._settings.token and self._is_hub(place):
            sent["authorization"] = f"Bearer {str.__str__(self._settings.token)}"
        how: dict[str, Any] = {"headers": sent, "allow_redirects": False}
        if proxy := self._settings.proxies.for_url(url):
            how |= {"proxy": proxy.url, "proxy_headers": proxy.headers}
            if url.startswith("http:"):  # it gets the request itself
                sent |= proxy.headers
        with breaks():
            response = await session.get(URL(url, encoded=True), **how)
        try:
            yield response
        finally:
            response.close()

    def _onward(self, url: str, where: str) -> str:
        try:
            following = urljoin(url, where)
        except ValueError:  # half an IPv6 address
            raise InputError(f"{shown(url)} leads nowhere.", field="model") from None
        if url.startswith("https:") and not following.startswith("https:"):
            raise InputError(f"{shown(url)} leads to a place without TLS.", field="model")
        return following

    async def _session_for(self, url: str, place: Place, from_hub: bool) -> ClientSession:
        """The session that may go there. Raises InputError."""
        if _literal(place.host) and ip_address(place.host).is_link_local:
            raise _private(place.host)
        free = self._settings.private_networks or self._is_hub(place)
        if free or (from_hub and await self._hub_is_inside()):
            return self._free
        if _literal(place.host) and not is_public(ip_address(place.host)):
            raise _private(place.host)
        if self._settings.proxies.for_url(url):
            # it looks the name up; what this machine knows of it is judged
            with suppress(OSError):
                if not all(is_public(ip_address(a)) for a in await _addresses(place.host, 0)):
                    raise _private(place.host)
            return self._free
        return self._guarded

    async def _hub_is_inside(self) -> bool:
        if self._inside is None:
            try:
                found = await _addresses(self._hub.host, self._hub.port)
            except OSError:
                found = []
            self._inside = any(not is_public(ip_address(text)) for text in found)
        return self._inside

    def _is_hub(self, place: Place) -> bool:
        return place[:3] == self._hub[:3]

    def _place(self, url: str) -> Place:
        return place_of(url, "model", _PORTS, _LONGEST)

    def _session(self, networks: tuple[Network, ...]) -> ClientSession:
        try:
            import aiohttp
        except ImportError:
            raise UnavailableError(
                "Fetching models needs aiohttp. Run: pip install 'breeze-engine[client]'"
            ) from None
        timeout = aiohttp.ClientTimeout(
            total=None, connect=self._settings.timeout, sock_read=self._settings.timeout
        )
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=64, resolver=_judge(networks), use_dns_cache=False
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": f"breeze/{__version__}"},
            auto_decompress=False,
            read_bufsize=_AHEAD,
            timeout=timeout,
        )


def _judge(networks: tuple[Network, ...]) -> Any:
    """A resolver that gives public addresses only, and those in `networks`.

    Never link-local ones: what a machine tells its programs there is for no hub to lead to.
    """
    from aiohttp.abc import AbstractResolver

    class Judge(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            found = await _addresses(host, port)
            places = [ip_address(text) for text in found]
            if not all(is_public(ip, networks) and not ip.is_link_local for ip in places):
                raise _private(host)
            return [
                {
                    "hostname": host, "host": text, "port": port, "proto": 0,
                    "family": socket.AF_INET6 if ":" in text else socket.AF_INET,
                    "flags": socket.AI_NUMERICHOST,
                }
                for text in found
            ]  # fmt: skip

        async def close(self) -> None:
            """Nothing is held."""

    return Judge()


async def _addresses(host: str, port: int) -> list[str]:
    rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(row[4][0]).partition("%")[0] for row in rows]


def _plain(value: str) -> str:
    """A header's value, which may have any bytes, as text that can be written down."""
    return value.encode("ascii", "backslashreplace").decode()


def _literal(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _private(host: str) -> InputError:
    return InputError(
        f"{host} does not lead to a public server. Name a public one, or set HF_ENDPOINT to a hub "
        "in a network of your own.",
        field="model",
        detail="fetch",
    )


def origin(url: str) -> tuple[str, str]:
    """Scheme and host with its port."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def shown(url: str) -> str:
    """A URL without what may be a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:300]
