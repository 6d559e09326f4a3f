"""The one way in which remote runners speak HTTP: a pool of connections to one server.

HTTP/1.1 with keep-alive, TLS verified against the system's authorities. No redirect is followed,
no compression asked for, no proxy variable of the environment read; whoever needs a proxy names
it as the base URL. Works on asyncio's own loop and on uvloop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from functools import cache
from typing import TYPE_CHECKING

from breeze.contracts.errors import UnavailableError
from breeze.runners._http_answer import Answer
from breeze.runners._http_connect import connect, system_tls
from breeze.runners._http_connection import Connection
from breeze.runners._http_target import request_head, target_of

if TYPE_CHECKING:
    import ssl

LARGEST = 256 * 1024 * 1024
"""Bytes of an answer, unless the caller says otherwise."""
_LINGER = 1.0
"""Seconds for which an answer may still end after its reader has left content."""
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
        self._head = cache(self._head_of)
        self._timeout = timeout
        self._connect_limit = connect
        self._idle_limit = idle
        self._tls = tls
        self._idle: dict[Connection, None] = {}
        self._open: set[Connection] = set()
        # What is due is late by two ticks at most: by 1 % of the timeout, or 50 ms.
        self._tick = min(max(timeout / 200, 0.025), 0.5, timeout / 2, idle / 2)
        self._watch: asyncio.TimerHandle | None = None
        self._empty: asyncio.Future[None] | None = None

    def post(
        self,
        path: str,
        body: bytes,
        content_type: str = JSON,
        *,
        limit: int = LARGEST,
        whole: bool = False,
    ) -> Coroutine[None, None, Answer]:
        """The answer to `body`. See `send` for the rest."""
        head = self._head(path, content_type)
        return self.send(b"%b%d\r\n\r\n%b" % (head, len(body), body), limit, whole)

    def get(
        self, path: str, *, limit: int = LARGEST, whole: bool = False
    ) -> Coroutine[None, None, Answer]:
        """The answer. See `send` for the rest."""
        return self.send(self._head(path, ""), limit, whole)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        limit: int = LARGEST,
        whole: bool = False,
    ) -> Coroutine[None, None, Answer]:
        """The answer to any request. `headers` go with this one only, in place of the client's.

        There is a body where there is a `content_type`. See `send` for the rest.
        """
        merged = {**self._headers, **(headers or {})}
        head = request_head(self.target, method, path, merged, content_type)
        if content_type:
            head = b"%b%d\r\n\r\n%b" % (head, len(body), body)
        return self.send(head, limit, whole)

    async def send(self, request: bytes, limit: int, whole: bool) -> Answer:
        """Send a request; the answer, once its headers are there, or all of it when `whole`.

        Raises UnavailableError when the server cannot be reached, and when `whole` also what
        iterating over the answer would raise. `whole` is for answers of status 200 to 299: of any
        other only the headers are waited for.

        A connection that was kept may have been closed by the server meanwhile. When nothing of
        an answer came on such a one, the request is sent once more on a new connection.
        """
        kept = bool(self._idle)
        while True:
            connection = self._idle.popitem()[0] if kept else await self._connect()
            answer = connection.ask(request, limit, whole)
            try:
                if await answer.begun:
                    return answer
            except BaseException:  # a cancellation too: nobody else knows of this answer
                answer.close()
                raise
            finally:
                del answer  # it holds its error, which holds this frame, and so the request
            if not kept:
                raise UnavailableError(
                    f"{self.target.authority} closed the connection without an answer. Is it the "
                    "right server? See base_url."
                )
            kept = False

    async def reach(self) -> None:
        """Connect, and send nothing. Raises UnavailableError that says why that cannot be."""
        (await self._connect()).abort()

    async def close(self) -> None:
        """Close every connection, and wait until they are closed."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        for connection in tuple(self._open):
            answer = connection.answer
            connection.abort()
            if answer is not None:
                answer.cut()
        if self._open:
            self._empty = asyncio.get_running_loop().create_future()
            await self._empty

    def _head_of(self, path: str, content_type: str) -> bytes:
        method = "POST" if content_type else "GET"
        return request_head(self.target, method, path, self._headers, content_type)

    async def _connect(self) -> Connection:
        if self.target.tls and self._tls is None:
            self._tls = await asyncio.to_thread(system_tls)
        loop = asyncio.get_running_loop()
        connection = Connection(self.target.authority, loop, self._idle, self._lost)
        self._open.add(connection)
        try:
            await connect(connection, self.target, self._tls, self._connect_limit, loop)
        except BaseException:  # a cancellation too: it may come when all but done
            connection.give_up()
            self._lost(connection)
            raise
        if self._watch is None:
            self._watch = loop.call_later(self._tick, self._look, loop)
        return connection

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what takes too long, close what is not used; look again while any is open.

        One timer for all: one for each request would cost more than all else here.
        """
        now = loop.time()
        for connection in tuple(self._open):
            answer = connection.answer
            if not connection.since:
                connection.since = now
            elif answer is None or answer.released:
                if now - connection.since >= (self._idle_limit if answer is None else _LINGER):
                    connection.abort()
            elif now - connection.since >= self._timeout:
                answer.expire(self._timeout)
        self._watch = loop.call_later(self._tick, self._look, loop) if self._open else None

    def _lost(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        self._open.discard(connection)
        if not self._open and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)
