"""The client: the engine's two calls, and what a server can be asked beside them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, overload

import msgspec

from breeze.client.address import DEFAULT_URL, checked_key, checked_resume, checked_url
from breeze.client.admission import admit
from breeze.client.asking import JSON, Asking
from breeze.client.connection import Connection
from breeze.client.journey import ACCEPT, Journey
from breeze.client.stream import EventStream
from breeze.client.uploads import lightened
from breeze.contracts.answers import (
    ChatAnswer,
    Embeddings,
    Moderation,
    Pictures,
    Result,
    Speech,
    Transcription,
)
from breeze.contracts.clock import Clock, SystemClock
from breeze.contracts.errors import DeadlineError, RunnerError
from breeze.contracts.ranking import Ranking, rank
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    AnyRequest,
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.contracts.wire import encode

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from breeze.client.router import RouterClient

E = TypeVar("E")
_LATE = 5.0
"""Seconds beyond a request's deadline in which the server itself may say that it is over."""


class Client(Asking):
    """A Breeze server. Use it as a context manager; it may be shared by many tasks of one loop.

    `url` and `key`: default BREEZE_URL and BREEZE_KEY, then http://127.0.0.1:8765 and none.
    `uds`: a Unix socket instead of the URL's host. `timeout`: seconds without a sign of life
    after which a begun answer counts as lost (servers give one every 15 s). `resume`: seconds,
    1 to 300, for which the server goes on when the connection is lost and the client tries to
    come back; without it, losing the connection ends the request.
    """

    def __init__(
        self,
        url: str = "",
        key: str = "",
        *,
        timeout: float = 45.0,
        uds: Path | str | None = None,
        resume: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.url = checked_url(url or os.environ.get("BREEZE_URL", "") or DEFAULT_URL)
        key = checked_key(key or os.environ.get("BREEZE_KEY", ""))
        super().__init__(Connection(self.url, key, Path(uds) if uds is not None else None))
        self._timeout = timeout
        self._resume = checked_resume(resume)
        self._clock = clock or SystemClock()
        self._live: dict[str, EventStream[Any]] = {}
        self._errands: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"Client({self._connection.place!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop every request and close the connections."""
        for stream in tuple(self._live.values()):
            stream.cancel()
            await stream.aclose()
        if self._errands:
            await asyncio.wait(self._errands)
        await self._connection.aclose()

    # requests -----------------------------------------------------------------------------

    def stream(self, request: Request[E]) -> EventStream[E]:
        """The events of `request`, which is sent when the first is asked for.

        Raises InputError at once when the request is wrong.
        """
        admit(request, self._live)
        uploads: list[str] = []
        journey = Journey(
            self._connection,
            request.id,
            partial(self._send, request, uploads),
            self._clock,
            self._timeout,
            self._resume,
        )
        stream: EventStream[E] = EventStream(
            request.id, request.capability.method, journey, partial(self._end, request.id, uploads)
        )
        self._live[request.id] = stream
        if request.deadline is not None:
            late = DeadlineError(f"No end came in the {request.deadline:g} s that were given.")
            stream.timer = self._clock.call_later(
                request.deadline + _LATE, partial(stream.cancel, late)
            )
        return stream

    @overload
    async def run(self, request: ChatRequest) -> ChatAnswer: ...
    @overload
    async def run(self, request: TranscribeRequest) -> Transcription: ...
    @overload
    async def run(self, request: SpeakRequest) -> Speech: ...
    @overload
    async def run(self, request: ModerateRequest) -> Moderation: ...
    @overload
    async def run(self, request: DrawRequest) -> Pictures: ...
    @overload
    async def run(self, request: EmbedRequest) -> Embeddings: ...
    async def run(self, request: Any) -> Result:
        """The whole answer: the fold over `stream`."""
        request = msgspec.structs.replace(request, whole=True)
        async with self.stream(request) as events:
            return await events.result()

    async def rank(self, query: str, texts: Sequence[str], **fields: Any) -> Ranking:
        """The texts by how well they answer `query`; `fields` are those of a request."""
        return await rank(self, query, texts, **fields)

    def router(self, *, binary: bool = False) -> AbstractAsyncContextManager[RouterClient]:
        """A session of the router contract over this server's socket, for the time of a block.

        `binary`: msgpack frames instead of JSON.
        """
        from breeze.client.router import RouterClient

        return RouterClient.connect(
            self._connection.place,
            key=self._connection.key,
            binary=binary,
            resume_seconds=self._resume or 0,
        )

    # inside -------------------------------------------------------------------------------

    async def _send(self, request: Request[Any], uploads: list[str]) -> ClientResponse:
        async def put(data: bytes | Path, mime: str) -> str:
            uploads.append(await self.upload(data, mime))
            return uploads[-1]

        light = cast(AnyRequest, await lightened(request, put))
        headers = {**JSON, "accept": ACCEPT}
        if self._resume is not None:
            headers["x-breeze-resume"] = f"{self._resume:.0f}"
        path = f"/v2/stream/{request.needs.value.lower()}"
        return await self._connection.begin("POST", path, data=encode(light), headers=headers)

    def _end(self, request_id: str, uploads: list[str]) -> None:
        self._live.pop(request_id, None)
        for upload in uploads:
            self._errand(self._discard(upload))

    async def _discard(self, upload: str) -> None:
        """Free what was uploaded for one request; the server's own time limit does if not."""
        try:
            await self._connection.ask("DELETE", f"/v2/uploads/{upload}", dict)
        except RunnerError:
            return

    def _errand(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
