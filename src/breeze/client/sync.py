"""The client without `async`: the same calls, carried out by an event loop in a thread.

with SyncClient() as client:
    for event in client.stream(ChatRequest.of("Hello")): ...
    answer = client.run(SpeakRequest("Good morning"))
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

from breeze.client.client import Client
from breeze.client.stream import EventStream, Route
from breeze.client.sync_shelf import SyncShelfAsking
from breeze.contracts.answers import (
    ChatAnswer,
    Embeddings,
    Moderation,
    Pictures,
    Speech,
    Transcription,
)
from breeze.contracts.ranking import Ranking
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.contracts.runner import ModelInfo
from breeze.contracts.service import Decision, LiveRequest, RunnerStatus

E = TypeVar("E")
T = TypeVar("T")


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="breeze-client", daemon=True
        )
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns or raises; Ctrl-C here stops it there."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        self.wait(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class SyncStream(Generic[E]):
    """The events of one request, one after the other. Leaving its block stops the work."""

    def __init__(self, loop: _Loop, events: EventStream[E]) -> None:
        self._loop = loop
        self._events = events
        self._closed = False

    @property
    def request_id(self) -> str:
        return self._events.request_id

    @property
    def route(self) -> Route:
        """Who answers, once the first event has come."""
        return self._events.route

    @property
    def text(self) -> str:
        """The text of a chat so far, without what was withdrawn (its first choice)."""
        return self._events.text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[E]:
        return self

    def __next__(self) -> E:
        if not self._closed:
            event = self._loop.wait(_next(self._events))
            if event is not None:
                return event
            self._closed = True
        raise StopIteration

    def cancel(self) -> bool:
        """Stop it, also from another thread; the reader gets CancelledError."""
        return not self._closed and self._loop.wait(_cancelled(self._events))

    def close(self) -> None:
        """Stop the work at the server, unless the end has come."""
        if not self._closed:
            self._closed = True
            self._loop.wait(self._events.aclose())


async def _next(events: EventStream[E]) -> E | None:
    return await anext(events, None)


async def _cancelled(events: EventStream[Any]) -> bool:
    return events.cancel()


class SyncClient(SyncShelfAsking):
    """A Breeze server, for programs without an event loop; takes what `Client` takes."""

    _loop: _Loop

    def __init__(self, url: str = "", key: str = "", **how: Any) -> None:
        self._client = Client(url, key, **how)
        self._loop = _Loop()
        self._closed = False

    def __repr__(self) -> str:
        return f"Sync{self._client!r}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop every request, close the connections, end the thread."""
        if not self._closed:
            self._closed = True
            self._loop.wait(self._client.aclose())
            self._loop.close()

    def stream(self, request: Request[E]) -> SyncStream[E]:
        """The events of `request`. Raises InputError at once when the request is wrong."""
        return SyncStream(self._loop, self._loop.wait(_begun(self._client, request)))

    @overload
    def run(self, request: ChatRequest) -> ChatAnswer: ...
    @overload
    def run(self, request: TranscribeRequest) -> Transcription: ...
    @overload
    def run(self, request: SpeakRequest) -> Speech: ...
    @overload
    def run(self, request: ModerateRequest) -> Moderation: ...
    @overload
    def run(self, request: DrawRequest) -> Pictures: ...
    @overload
    def run(self, request: EmbedRequest) -> Embeddings: ...
    def run(self, request: Any) -> Any:
        """The whole answer."""
        return self._loop.wait(self._client.run(request))

    def rank(self, query: str, texts: Sequence[str], **fields: Any) -> Ranking:
        """The texts by how well they answer `query`; `fields` are those of a request."""
        return self._loop.wait(self._client.rank(query, texts, **fields))

    def cancel(self, request_id: str) -> bool:
        """Stop a request of this key. True only if something was stopped."""
        return self._loop.wait(self._client.cancel(request_id))

    def requests(self) -> list[LiveRequest]:
        """What runs there."""
        return self._loop.wait(self._client.requests())

    def runners(self) -> list[RunnerStatus]:
        """Every instance with its state."""
        return self._loop.wait(self._client.runners())

    def models(self) -> dict[str, tuple[ModelInfo, ...]]:
        """What each available instance serves."""
        return self._loop.wait(self._client.models())

    def explain(self, request: Request[Any]) -> Decision:
        """Who would answer `request`, and why."""
        return self._loop.wait(self._client.explain(request))

    def settings(self) -> dict[str, Any]:
        """The server's settings."""
        return self._loop.wait(self._client.settings())

    def upload(self, data: bytes | Path | str, mime: str = "") -> str:
        """Put bytes or a file on the server for a while; the id to refer to it."""
        return self._loop.wait(self._client.upload(data, mime))


async def _begun(client: Client, request: Request[E]) -> EventStream[E]:
    return client.stream(request)
