"""One request that is being answered: what was sent, and the work done for it.

The work is stopped when the client leaves, in every phase: while the answer is made, while it
waits in a queue, between two pieces of a stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from breeze.contracts.errors import CancelledError, TooLargeError
from breeze.contracts.request import Request
from breeze.engine.stream import EventStream
from breeze.service.access import STRANGER, Principal
from breeze.service.references import R, resolve_uploads
from breeze.surfaces.http.json_body import json_object
from breeze.surfaces.http.reply import Dialect, Facts
from breeze.surfaces.http.sending import Receive

if TYPE_CHECKING:
    from breeze.contracts.answers import Result
    from breeze.surfaces.http.app import App
    from breeze.surfaces.http.routes import Route


class Call:
    """What a handler works with.

    `found`: parts of the path. `headers`: by lower-case name. `caller`: who asks. `request_id`:
    that of the engine's request, once there is one; `events` are its own. `code`: of the error
    that is the answer.
    """

    __slots__ = (
        "_added", "_listener", "_receive", "_stop", "app", "caller", "code", "dialect", "events",
        "found", "headers", "limit", "method", "path", "query_string", "request_id", "route",
        "scope",
    )  # fmt: skip

    def __init__(self, app: App, scope: dict[str, Any], receive: Receive) -> None:
        self.app = app
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1")
        self.query_string: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.dialect: Dialect = "openai" if self.path.startswith("/v1/") else "native"
        self.caller: Principal = STRANGER
        self.found: dict[str, str] = {}
        self.route: Route | None = None
        self.limit = 0
        self.request_id = ""
        self.code = ""
        self.events: EventStream[Any] | None = None
        self._receive = receive
        self._stop: Callable[[], object] | None = None
        self._added = False
        self._listener: asyncio.Task[None] | None = None

    # what was sent ------------------------------------------------------------------------

    def header(self, name: bytes) -> str:
        """A header as text, empty when it is not there."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def query(self) -> dict[str, str]:
        """The query's names and values; the last of a name counts."""
        return dict(parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True))

    async def body(self) -> bytes:
        """All of the body. Raises TooLargeError as soon as it is longer than the route allows."""
        self._check_length()
        message = await self._receive()
        if not message.get("more_body"):
            return self._checked(message)
        pieces, size = [self._checked(message)], len(message["body"])
        while message.get("more_body"):
            message = await self._receive()
            pieces.append(self._checked(message))
            size += len(pieces[-1])
            if size > self.limit:
                raise self._too_large()
        return b"".join(pieces)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises TooLargeError when it grows beyond the limit."""
        self._check_length()
        size, more = 0, True
        while more:
            message = await self._receive()
            piece = self._checked(message)
            size += len(piece)
            if size > self.limit:
                raise self._too_large()
            more = message.get("more_body", False)
            yield piece

    def _check_length(self) -> None:
        declared = self.headers.get(b"content-length")
        if declared is not None and int(declared) > self.limit:
            raise self._too_large()

    async def json(self) -> dict[str, Any]:
        """The body, a JSON object. Raises InputError when it is something else."""
        return json_object(await self.body())

    def _checked(self, message: dict[str, Any]) -> bytes:
        if message["type"] == "http.disconnect":
            raise CancelledError("The client left before it had sent its request.")
        body: bytes = message.get("body", b"")
        return body

    def _too_large(self) -> TooLargeError:
        mib = self.limit / 1_048_576
        return TooLargeError(
            f"The body is larger than the {mib:g} MiB this route takes. "
            "Send large files to /v2/uploads and refer to them.",
            data={"limit": self.limit},
        )

    # the work -----------------------------------------------------------------------------

    def stream(self, request: Request[Any]) -> EventStream[Any]:
        """The engine's events; the work stops when the client leaves."""
        events = self.events = self.app.engine.stream(request)
        self.request_id = request.id
        self.app.owners[request.id] = self.caller.name
        self.on_leaving(events.cancel)
        return events

    async def resolved(self, request: R) -> R:
        """`request` with the uploads it refers to in it. Raises NotFoundError and InputError."""
        return await resolve_uploads(request, self.app.uploads, self.caller.name)

    async def run(self, request: Request[Any]) -> tuple[Result, Facts]:
        """The whole answer, and who gave it."""
        async with self.stream(msgspec.structs.replace(request, whole=True)) as events:
            return await events.result(), Facts.of(events)

    def on_leaving(self, stop: Callable[[], object]) -> None:
        """Call `stop` when the client leaves before the answer is complete."""
        self._stop = stop
        if not self._added:
            self._added = True
            self.app.leaving.add(self)

    def listen(self) -> None:
        """Wait for the client's leaving from now on, unless the answer is complete."""
        if self._stop is not None:
            self._listener = asyncio.get_running_loop().create_task(self._leaving())

    async def _leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._stop is not None:
            self._stop()

    def end(self) -> None:
        """The answer has gone out, or nobody wants it any more."""
        self._stop = None
        if self._listener is not None:
            self._listener.cancel()
        self.app.owners.pop(self.request_id, None)

    @asynccontextmanager
    async def interruptible(self, stop: Callable[[], object]) -> AsyncIterator[None]:
        """Work that is not a stream of the engine's: `stop` is called when the client leaves."""
        self.on_leaving(stop)
        try:
            yield
        finally:
            self._stop = None


def code_of(call: Call) -> str:
    """The code of the error in which the answer ended, before or in its stream; empty if none."""
    events = call.events
    return call.code if events is None else call.code or events.route.code
