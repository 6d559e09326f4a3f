"""The one way in which remote runners speak HTTP: a pool of connections to one server.

HTTP/1.1 with keep-alive, TLS verified against the system's authorities. No redirect is followed,
no compression asked for, no proxy variable of the environment read; whoever needs a proxy names
it as the base URL. Works on asyncio's own loop and on uvloop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from breeze.contracts.clock import SystemClock
from breeze.contracts.errors import UnavailableError
from breeze.runners._http_answer import Answer
from breeze.runners._http_connect import connect, system_tls
from breeze.runners._http_connection import Connection
from breeze.runners._http_target import request_head, target_of

if TYPE_CHECKING:
    import ssl

LARGEST = 256 * 1024 * 1024
"""Bytes of an answer, unless the caller says otherwise."""
JSON = "application/json"


class HttpClient:
    """Requests to the server of `base_url`, any number at once.

        with await client.post("/chat/completions", body) as answer:
            async for data in answer: ...

    `headers` go with every request, and to this server only. `timeout`: seconds for a whole
    answer; `connect`: seconds to connect, TLS included; `idle`: seconds for which an unused
    connection is kept. `tls`: another TLS context than the system's.

    Raises InputError for a wrong base URL.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        timeout: float = 600.0,
        connect: float = 5.0,
        idle: float = 60.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.target = target_of(base_url)
        self._headers = dict(headers)
        self._timeout = timeout
        self._clock = SystemClock()
        self._connect_limit = connect
        self._idle_limit = idle
        self._tls = tls
        self._heads: dict[tuple[str, str, str], bytes] = {}
        self._idle: dict[Connection, None] = {}
        self._open: set[Connection] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._empty: asyncio.Future[None] | None = None

    async def post(
        self, path: str, body: bytes, content_type: str = JSON, *, limit: int = LARGEST
    ) -> Answer:
        """The answer, once its headers are there. See `send` for what is raised."""
        head = self._head("POST", path, content_type)
        return await self.send(b"%b%d\r\n\r\n%b" % (head, len(body), body), limit)

    async def get(self, path: str, *, limit: int = LARGEST) -> Answer:
        """The answer, once its headers are there. See `send` for what is raised."""
        return await self.send(self._head("GET", path, ""), limit)

    async def send(self, request: bytes, limit: int) -> Answer:
        """Send a whole request. Raises UnavailableError when the server cannot be reached.

        A connection that was kept may have been closed by the server meanwhile. When nothing of
        an answer came on such a one, the request is sent once more on a new connection.
        """
        loop = asyncio.get_running_loop()
        where = self.target.authority
        if self._idle:
            connection, _ = self._idle.popitem()
            answer = Answer(where, limit, self._timeout, loop, self._clock)
            connection.send(request, answer)
            if await answer.begun():
                return answer
        connection = await self._connect(loop)
        answer = Answer(where, limit, self._timeout, loop, self._clock)
        connection.send(request, answer)
        if await answer.begun():
            return answer
        raise UnavailableError(
            f"{where} closed the connection without an answer. Is it the right server? "
            "See base_url."
        )

    async def close(self) -> None:
        """Close every connection, and wait until they are closed."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in tuple(self._open):
            connection.abort()
        if self._open:
            self._empty = asyncio.get_running_loop().create_future()
            await self._empty

    def _head(self, method: str, path: str, content_type: str) -> bytes:
        key = (method, path, content_type)
        head = self._heads.get(key)
        if head is None:
            head = request_head(self.target, method, path, self._headers, content_type)
            self._heads[key] = head
        return head

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> Connection:
        if self.target.tls and self._tls is None:
            self._tls = await asyncio.to_thread(system_tls)
        connection = Connection(self._keep, self._lost)
        self._open.add(connection)
        try:
            await connect(connection, self.target, self._tls, self._connect_limit, loop)
        except BaseException:  # a cancellation too: it may come when all but done
            connection.abort()
            self._open.discard(connection)
            raise
        return connection

    def _keep(self, connection: Connection) -> None:
        connection.idle_since = connection.loop.time()
        self._idle[connection] = None
        if self._sweep is None:
            self._sweep = connection.loop.call_later(
                self._idle_limit, self._close_idle, connection.loop
            )

    def _close_idle(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what has not been used for long, and look again while anything is left."""
        self._sweep = None
        before = loop.time() - self._idle_limit
        for connection in [c for c in self._idle if c.idle_since <= before]:
            del self._idle[connection]
            connection.abort()
        if self._idle:
            self._sweep = loop.call_later(self._idle_limit / 2, self._close_idle, loop)

    def _lost(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        self._open.discard(connection)
        if not self._open and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)
