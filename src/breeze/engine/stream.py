"""What the engine hands to a caller: an async iterator that can be closed, cancelled and asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from math import inf
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from breeze.contracts.answers import Result
from breeze.contracts.errors import CancelledError, DeadlineError, RunnerError
from breeze.contracts.events import Finish
from breeze.engine.route import Route as Route
from breeze.engine.watch import Watch

E = TypeVar("E", covariant=True)


class Source(Protocol):
    """Where the events of a request come from."""

    def events(self, stream: EventStream[Any]) -> AsyncGenerator[Any]:
        """The events. The stream's `watch` guards each wait; its `end` and `fail` hear the end."""

    async def whole(self, route: Route, watch: Watch) -> Finish:
        """The end of the answer, all before it being in `route.fold`."""


_SOON = 1.0
"""Seconds after which a request whose runner is loaded is looked at again."""


class EventStream(Generic[E]):
    """The events of one request. Use it as a context manager: leaving it stops the work.

    `route` says who answers once the first event has come. Errors are RunnerErrors. Nothing is
    done before the first event is asked for. `running` is true until the end, whatever it was; then
    it leaves the table of those that are `live`.
    """

    # The defaults are the class's: most requests need none of these for themselves.
    running = True
    allowed = inf
    _next: Callable[[], Coroutine[Any, Any, E]]
    _events: AsyncGenerator[Any] | None = None
    _over: asyncio.Event | None = None
    _closing: asyncio.Future[None] | None = None

    def __init__(
        self, route: Route, watch: Watch, source: Source, live: dict[str, EventStream[Any]]
    ) -> None:
        self.request_id = route.request.id
        self.route = route
        self.watch = watch
        self._source = source
        self._live = live

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.running or self._events is not None:
            await self.aclose()

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Coroutine[Any, Any, E]:
        if self._events is None:
            self._begin()
        return self._next()

    def _begin(self) -> None:
        self._events = self._source.events(self) if self.running else _nothing()
        self._next = self._events.__anext__

    async def result(self) -> Result:
        """The whole answer, which the end carries. Raises what ended the stream otherwise."""
        try:
            with self.watch:
                end = await self._source.whole(self.route, self.watch)
        except BaseException as error:
            self.fail(error, delivered=0)
            raise
        result = self.route.answer(end)
        self._end()
        return result

    @property
    def text(self) -> str:
        """The text of a chat so far, without what was withdrawn (its first choice)."""
        return self.route.fold.text()

    # for the source -------------------------------------------------------------------

    @contextmanager
    def work(self) -> Iterator[None]:
        """Guard the work that makes the events; whatever ends it ends the stream."""
        try:
            self.watch.begin()
            yield
        except BaseException as raised:
            error = self.watch.verdict(raised)
            self.fail(error, delivered=self.route.delivered)
            try:
                raise error from error.__cause__
            finally:
                del error

    def end(self, end: Finish) -> Finish:
        """This is the end, of which the caller gets what is returned. Nothing is held any more."""
        result = self.route.answer(end)
        self._end()
        return Finish(end.reason, result, metadata=result.metadata)

    def fail(self, error: BaseException, *, delivered: int) -> None:
        """This is what ended it."""
        self._end()
        if isinstance(error, RunnerError):
            error.delivered = delivered
            error.attempts = error.attempts or self.route.failed
            self.route.code = error.code
            if error is self.watch.reason:  # raised, it knows the frames that know this
                self.watch.reason = copy(error)

    # stopping -----------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Stop the work, wherever it is, and wait until it has stopped."""
        if self._closing is not None:
            await asyncio.shield(self._closing)
            await self.closed()  # a reader may have come between
        elif self.running and self.watch.task is not None:  # somebody else reads: it has to be told
            self.cancel()
            await self.closed()
        elif self.running and self._events is not None:
            await self._close_here(self._events)
        elif self._events is not None:
            await self._events.aclose()
        self._end()

    async def _close_here(self, events: AsyncGenerator[Any]) -> None:
        """Stop the work, which may take a while: who else comes to close waits for this one."""
        closing = self._closing = asyncio.get_running_loop().create_future()
        self._next = _nothing().__anext__
        try:
            await events.aclose()
        finally:
            closing.set_result(None)

    def cancel(self, reason: RunnerError | None = None) -> bool:
        """Stop the work from elsewhere; the reader gets `reason`. True if something was stopped."""
        reason = reason or CancelledError("The request was cancelled.")
        if not self.running or not self.watch.fire(reason):
            return False
        if self.watch.task is None and self._closing is None:
            self._closing = asyncio.ensure_future(self._close_now())
        self._next = partial(_refused, self.watch, self.route)
        self._events = self._events or _nothing()
        return True

    async def _close_now(self) -> None:
        """Nobody waits for an event now, so the work is stopped from here."""
        try:
            if self._events is not None:
                await self._events.aclose()
        except RuntimeError:  # a reader came in the same moment: it is told as any other
            self.watch.stop()
            return
        self._end()

    async def closed(self) -> None:
        """Wait until a stop asked for by `cancel` has reached the work."""
        if self.running:
            self._over = self._over or asyncio.Event()
            await self._over.wait()

    def look(self, now: float) -> float:
        """End what lasts too long; the moment when to look again."""
        watch = self.watch
        if watch.loading > now:
            return now + _SOON
        if watch.deadline > now:
            if self.route.request.whole and not watch.proven and watch.since + watch.limit <= now:
                watch.limit = max(watch.limit, self._share())
            return min(watch.deadline, watch.look(now))
        self.cancel(
            DeadlineError(f"The answer took longer than the {self.allowed:g} s it was given.")
        )
        return inf

    def _share(self) -> float:
        """Seconds that a runner may take for the whole answer: it can say nothing before, so the
        time that is left is shared out evenly among those who may still be asked.
        """
        decision = self.route.decision
        order = {choice.name for choice in decision.order} if decision is not None else set()
        asked = {attempt.runner for attempt in self.route.failed} - {self.route.runner}
        return (self.watch.deadline - self.watch.since) / max(1, len(order - asked))

    def _end(self) -> None:
        if self.running:
            self.running = False
            if self._over is not None:
                self._over.set()
            self._live.pop(self.request_id, None)


async def _nothing() -> AsyncGenerator[Any]:
    for event in tuple[Any, ...]():
        yield event


async def _refused(watch: Watch, route: Route) -> Any:
    """The answer to who goes on reading what was cancelled."""
    assert watch.reason is not None  # it was cancelled for that
    watch.reason.delivered = route.delivered
    route.code = watch.reason.code
    raise copy(watch.reason)
