"""The way to one server: a pool of connections, and what its failures mean.

aiohttp is imported when the first request is made, so that this package loads without it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from breeze.client.problems import Lost, Unreachable, nobody, problem, stranger, unanswered
from breeze.contracts.errors import UnavailableError
from breeze.contracts.unreadable import UNREADABLE
from breeze.version import __version__

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

T = TypeVar("T")
_CONNECT = 10.0
"""Seconds to reach the server."""
_IDLE = 4.0
"""Seconds for which an unused connection is kept: less than servers keep theirs."""
_AT_ONCE = 1024 * 1024
"""Bytes of a body from which it is sent in pieces, so that other streams go on meanwhile."""
_ERROR_BYTES = 256 * 1024
_REDIRECT = range(300, 400)


class Connection:
    """Sends requests to one server. The key travels there and nowhere else: no redirects."""

    def __init__(self, url: str, key: str, uds: Path | None) -> None:
        self.url = url
        self.place = url if uds is None else str(uds)
        self.key = key
        self._uds = uds
        self._headers = {"user-agent": f"breeze-client/{__version__}"}
        if key:
            self._headers["authorization"] = f"Bearer {key}"
        self._session: ClientSession | None = None

    @property
    def session(self) -> ClientSession:
        """The pool. Raises UnavailableError when aiohttp is not installed."""
        if self._session is None or self._session.closed:
            aiohttp = load_aiohttp()
            kept: dict[str, Any] = {"limit": 0, "keepalive_timeout": _IDLE}
            self._session = aiohttp.ClientSession(
                connector=(
                    aiohttp.TCPConnector(**kept)
                    if self._uds is None
                    else aiohttp.UnixConnector(str(self._uds), **kept)
                ),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def begin(self, method: str, path: str, **how: Any) -> ClientResponse:
        """The response as soon as it begins. Raises what it says if that is no success.

        `how`: `data`, `headers`, and `timeout` (seconds for all of it). Raises Unreachable, Lost,
        and any RunnerError.
        """
        if "timeout" in how:
            how["timeout"] = load_aiohttp().ClientTimeout(total=how["timeout"])
        if isinstance(how.get("data"), bytes) and len(how["data"]) >= _AT_ONCE:
            how["data"] = io.BytesIO(how["data"])
        with self.failures():
            response = await self.session.request(
                method, self.url + path, allow_redirects=False, **how
            )
        if response.status < 300:
            return response
        try:
            raise await self._problem(response)
        finally:
            response.close()

    async def ask(self, method: str, path: str, kind: type[T], **how: Any) -> T:
        """What the server answers, as `kind`."""
        try:
            response = await self.begin(method, path, **how)
            async with response:
                with self.failures():
                    body = await response.read()
        except Lost as lost:
            raise unanswered(self.place, str(lost)) from lost
        try:
            return msgspec.json.decode(body, type=kind)
        except UNREADABLE as error:
            raise stranger(self.place, response.status, "", body) from error

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Turns what aiohttp and the system raise into Unreachable or Lost."""
        aiohttp = load_aiohttp()
        try:
            yield
        except aiohttp.ClientSSLError as error:
            raise Unreachable(
                f"{self.place} has no certificate that this machine trusts: {error}. Set "
                "SSL_CERT_FILE to the file of its authority.",
                retryable=False,
            ) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise nobody(self.place) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Lost(str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def _problem(self, response: ClientResponse) -> Exception:
        if response.status in _REDIRECT:
            where = response.headers.get("location", "elsewhere")
            return Unreachable(
                f"{self.place} sends the client on to {where}, where its key must not go: give "
                "that address as the server's own if you trust it.",
                retryable=False,
            )
        with self.failures():
            body = await response.content.read(_ERROR_BYTES)
        return problem(self.place, response.status, response.headers.get("retry-after", ""), body)


def load_aiohttp() -> Any:
    """The module. Raises UnavailableError that names the remedy."""
    try:
        import aiohttp
    except ModuleNotFoundError as error:
        raise UnavailableError(
            "The client needs aiohttp: run pip install 'breeze-engine[client]'", retryable=False
        ) from error
    return aiohttp
