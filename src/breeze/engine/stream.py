"""What the engine hands to a caller: an async iterator that can be closed, cancelled and asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from breeze.contracts.answers import Result
from breeze.contracts.clock import Timer
from breeze.contracts.errors import Attempt, CancelledError, RunnerError
from breeze.contracts.events import Adjusted, Finish
from breeze.contracts.request import Request
from breeze.contracts.results import ANSWERS, Fold, with_facts
from breeze.engine.selection import Decision
from breeze.engine.watch import Watch

E = TypeVar("E", covariant=True)


class Route:
    """Who answers a request, as known so far; filled in as the request travels."""

    __slots__ = (
        "code", "decision", "early", "failed", "fold", "mock", "model", "request", "runner",
        "started", "watch",
    )  # fmt: skip

    def __init__(self, request: Request[Any]) -> None:
        self.request = request
        self.decision: Decision | None = None
        self.runner = ""
        self.model = ""
        self.mock = False
        self.code = ""  # of the error in which the stream ended
        self.failed: list[Attempt] = []
        self.fold = Fold(ANSWERS[request.capability.method])
        self.early: list[Adjusted] = []
        self.watch = Watch()
        self.started = 0.0

    @property
    def delivered(self) -> int:
        """Events that reached the caller."""
        return self.fold.count

    def begin(self) -> Fold:
        """The fold of another try of a whole answer: what was adjusted early is in it."""
        if self.fold.count:
            self.fold = Fold(ANSWERS[self.request.capability.method])
        for adjusted in self.early:
            self.fold.add(adjusted)
        return self.fold

    def finished(self, end: Finish) -> Finish:
        """The end of a stream, with the whole answer and the facts of who gave it."""
        metadata = dict(end.metadata) if end.metadata else {}
        metadata["processing_time_ms"] = round((time.perf_counter() - self.started) * 1000, 3)
        if self.mock:
            metadata["mock"] = True
        facts = {
            "request_id": self.request.id,
            "runner": self.runner,
            "model": self.model,
            "mock": self.mock,
            "decision": self.decision.id if self.decision else "",
            "attempts": tuple(self.failed),
            "metadata": metadata,
        }
        if end.result is None:
            result = self.fold.result(end, **facts)
        else:
            facts["model"] = end.result.model or self.model
            result = with_facts(end.result, **facts)
        return Finish(end.reason, result, metadata=metadata)


Begin = Callable[[Route], Awaitable[AsyncGenerator[Any]]]
Whole = Callable[[Route], Awaitable[Finish]]


async def _nothing() -> Any:
    raise StopAsyncIteration


class EventStream(Generic[E]):
    """The events of one request. Use it as a context manager: leaving it stops the work.

    `route` says who answers once the first event has come. Errors are RunnerErrors. Nothing is
    done before the first event is asked for: `begin` decides who is asked, and asks.
    """

    def __init__(
        self,
        route: Route,
        begin: Begin,
        whole: Whole,
        on_end: Callable[[EventStream[Any]], None],
    ) -> None:
        self.request_id = route.request.id
        self.route = route
        self._begin = begin
        self._whole = whole
        self._events: AsyncGenerator[Any] | None = None
        self._next: Callable[[], Awaitable[Any]] = self._first
        self._add = route.fold.add
        self._watch = route.watch
        self._on_end = on_end
        self._ended = False
        self._over: asyncio.Event | None = None
        self._closing: asyncio.Task[None] | None = None
        self.timer: Timer | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._ended or self._closing is not None:
            await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        try:
            with self._watch:
                event = await self._next()
        except BaseException as error:
            self._failed(error, delivered=self.route.delivered)
            raise
        if type(event) is Finish:
            event = await self._finish(event)
        else:
            self._add(event)
        return event  # type: ignore[no-any-return]

    async def result(self) -> Result:
        """The whole answer, which the end carries. Raises what ended the stream otherwise."""
        try:
            with self._watch:
                end = await self._whole(self.route)
        except BaseException as error:
            self._failed(error, delivered=0)
            raise
        result = self.route.finished(end).result
        self._end()
        assert result is not None  # the route filled it in
        return result

    async def _finish(self, end: Finish) -> Finish:
        await self._free()  # whatever the layers still hold is freed before the end
        end = self.route.finished(end)
        self._end()
        return end

    def _failed(self, error: BaseException, *, delivered: int) -> None:
        self._end()
        if isinstance(error, RunnerError):
            error.delivered = delivered
            self.route.code = error.code

    async def _first(self) -> Any:
        events = await self._begin(self.route)
        if self._ended:  # it was closed while the choice was made
            raise StopAsyncIteration
        self._events, self._next = events, events.__anext__
        return await events.__anext__()

    async def _free(self) -> None:
        if self._events is not None:
            await self._events.aclose()

    @property
    def running(self) -> bool:
        """True until the end, whatever it was."""
        return not self._ended

    async def aclose(self) -> None:
        """Stop the work, wherever it is, and wait until it has stopped."""
        if self._closing is not None:
            await asyncio.shield(self._closing)
        elif not self._ended:
            await self._free()
        self._end()

    def cancel(self, reason: RunnerError | None = None) -> bool:
        """Stop the work from elsewhere; the reader gets `reason`. True if something was stopped."""
        if self._ended or not self._watch.fire(
            reason or CancelledError("The request was cancelled.")
        ):
            return False
        if not self._watch.waiting and self._closing is None:
            self._closing = asyncio.ensure_future(self._close_now())
        return True

    async def _close_now(self) -> None:
        """Nobody waits for an event now, so the layers are closed from here."""
        try:
            await self._free()
        except RuntimeError:  # a reader came back meanwhile and is closing it itself
            return
        self._end()

    async def closed(self) -> None:
        """Wait until a stop asked for by `cancel` has reached the work."""
        if not self._ended:
            self._over = self._over or asyncio.Event()
            await self._over.wait()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._next = _nothing  # `_first` would keep this, and a large request, in a circle
            if self._over is not None:
                self._over.set()
            if self.timer is not None:
                self.timer.cancel()
            self._on_end(self)
