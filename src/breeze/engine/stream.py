"""What the engine hands to a caller: an async iterator that can be closed, cancelled and asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from breeze.contracts.clock import Timer
from breeze.contracts.errors import Attempt, CancelledError, RunnerError
from breeze.contracts.events import Finish
from breeze.contracts.results import Fold
from breeze.engine.selection import Decision
from breeze.engine.watch import Watch

E = TypeVar("E", covariant=True)


class Route:
    """Who answers a request, as known so far; filled in as the request travels."""

    __slots__ = ("decision", "failed", "fold", "mock", "model", "runner", "watch")

    def __init__(self) -> None:
        self.decision: Decision | None = None
        self.runner = ""
        self.model = ""
        self.mock = False
        self.failed: list[Attempt] = []
        self.fold: Fold | None = None
        self.watch = Watch()

    @property
    def delivered(self) -> int:
        """Events that reached the caller."""
        return self.fold.count if self.fold is not None else 0


class EventStream(Generic[E]):
    """The events of one request. Use it as a context manager: leaving it stops the work.

    `route` says who answers once the first event has come. Errors are RunnerErrors.
    """

    def __init__(
        self,
        request_id: str,
        events: AsyncGenerator[Any],
        route: Route,
        on_end: Callable[[EventStream[Any]], None],
    ) -> None:
        self.request_id = request_id
        self.route = route
        self._events = events
        self._next = events.__anext__
        self._watch = route.watch
        self._on_end = on_end
        self._ended = False
        self._over = asyncio.Event()
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
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        try:
            with self._watch:
                event = await self._next()
        except BaseException as error:
            self._end()
            if isinstance(error, RunnerError):
                error.delivered = self.route.delivered
            raise
        if type(event) is Finish:
            await self._events.aclose()  # whatever the layers still hold is freed before the end
            self._end()
        return event  # type: ignore[no-any-return]

    @property
    def running(self) -> bool:
        """True until the end, whatever it was."""
        return not self._ended

    async def aclose(self) -> None:
        """Stop the work, wherever it is, and wait until it has stopped."""
        if self._closing is not None:
            await asyncio.shield(self._closing)
        elif not self._ended:
            await self._events.aclose()
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
            await self._events.aclose()
        except RuntimeError:  # a reader came back meanwhile and is closing it itself
            return
        self._end()

    async def closed(self) -> None:
        """Wait until a stop asked for by `cancel` has reached the work."""
        if not self._ended:
            await self._over.wait()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._over.set()
            if self.timer is not None:
                self.timer.cancel()
            self._on_end(self)
