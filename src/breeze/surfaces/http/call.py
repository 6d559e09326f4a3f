"""One request that is being answered: what was sent, and the work done for it.

The work is stopped when the client leaves, in every phase: while the answer is made, while it
waits in a queue, between two pieces of a stream.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from breeze.contracts.errors import TooLargeError
from breeze.contracts.request import Request
from breeze.engine.stream import EventStream
from breeze.service.access import STRANGER, Principal
from breeze.service.references import R, resolve_uploads
from breeze.surfaces.http.asked import Asked
from breeze.surfaces.http.json_body import json_object
from breeze.surfaces.http.reply import Dialect, Facts

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

    caller: Principal = STRANGER
    route: Route | None = None
    limit = 0
    request_id = ""
    code = ""
    events: EventStream[Any] | None = None
    found: dict[str, str]

    def __init__(self, app: App, asked: Asked) -> None:
        self.app = app
        self.asked = asked

    # what was sent ------------------------------------------------------------------------

    @property
    def method(self) -> str:
        return self.asked.method

    @property
    def path(self) -> str:
        """As sent, percent-encoded."""
        return self.asked.path

    @property
    def headers(self) -> dict[bytes, bytes]:
        return self.asked.headers

    @property
    def dialect(self) -> Dialect:
        """In which an error is told."""
        return "openai" if self.path.startswith("/v1/") else "native"

    def header(self, name: bytes) -> str:
        """A header as text, empty when it is not there."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def query(self) -> dict[str, str]:
        """The query's names and values; the last of a name counts."""
        return dict(parse_qsl(self.asked.query.decode("latin-1"), keep_blank_values=True))

    async def body(self) -> bytes:
        """All of the body. Raises TooLargeError as soon as it is longer than the route allows."""
        asked = self.asked
        if asked.complete and asked.size <= self.limit and not asked.left:
            return asked.take()
        return b"".join([piece async for piece in self.pieces()])

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises TooLargeError when it grows beyond the limit."""
        declared = self.headers.get(b"content-length")
        if declared is not None and int(declared) > self.limit:
            raise self._too_large()
        asked, last = self.asked, False
        while not last:
            piece = await asked.more()
            if asked.size > self.limit:
                raise self._too_large()
            last = asked.complete
            yield piece

    async def json(self) -> dict[str, Any]:
        """The body, a JSON object. Raises InputError when it is something else."""
        return json_object(await self.body())

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

    def resolved(self, request: R) -> Awaitable[R]:
        """`request` with the uploads it refers to in it. Raises NotFoundError and InputError."""
        return resolve_uploads(request, self.app.uploads, self.caller.name)

    async def run(self, request: Request[Any]) -> tuple[Result, Facts]:
        """The whole answer, and who gave it."""
        events = self.stream(msgspec.structs.replace(request, whole=True))
        return await events.result(), Facts.of(events)

    def on_leaving(self, stop: Callable[[], object]) -> None:
        """Call `stop` when the client leaves before the answer is complete."""
        self.asked.stop = stop
        if self.asked.left:
            stop()

    def end(self) -> None:
        """The answer has gone out, or nobody wants it any more."""
        self.asked.over()
        self.app.owners.pop(self.request_id, None)


def code_of(call: Call) -> str:
    """The code of the error in which the answer ended, before or in its stream; empty if none."""
    events = call.events
    return call.code if events is None else call.code or events.route.code
