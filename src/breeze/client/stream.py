"""The events of one request as a server sends them; the same shape as the engine's own stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import unquote

from breeze.client.journey import Journey
from breeze.client.truth import Truth
from breeze.contracts.answers import Answer, Result
from breeze.contracts.clock import Timer
from breeze.contracts.errors import CancelledError, RunnerError
from breeze.contracts.events import Finish, Restarted
from breeze.contracts.results import ANSWERS, collect
from breeze.contracts.values import Attempt

E = TypeVar("E", covariant=True)


class Route:
    """Who answers, as known so far: from the response's headers, then from the whole answer."""

    __slots__ = ("decision", "delivered", "failed", "mock", "model", "runner")

    def __init__(self) -> None:
        self.runner = ""
        self.model = ""
        self.decision = ""
        self.mock = False
        self.failed: list[Attempt] = []
        self.delivered = 0

    def take_headers(self, headers: Mapping[str, str]) -> None:
        """What the server knew when the first event came."""
        self.runner = unquote(headers.get("x-breeze-runner", self.runner))
        self.model = unquote(headers.get("x-breeze-model", self.model))
        self.decision = headers.get("x-breeze-decision", self.decision)
        self.mock = headers.get("x-breeze-mock", "") == "true"

    def take_result(self, result: Answer) -> None:
        """What the end says."""
        self.runner, self.model, self.mock = result.runner, result.model, result.mock
        self.decision = result.decision
        self.failed = list(result.attempts)


class EventStream(Generic[E]):
    """The events of one request. Use it as a context manager: leaving it stops the work.

    `route` says who answers once the first event has come. Errors are RunnerErrors. One reader
    at a time; `cancel` may come from elsewhere on the same loop.
    """

    def __init__(
        self, request_id: str, method: str, journey: Journey, on_end: Callable[[], object]
    ) -> None:
        self.request_id = request_id
        self.route = Route()
        self.timer: Timer | None = None
        self._on_end = on_end
        self._answer = ANSWERS[method]
        self._truth = Truth(method)
        self._journey = journey
        self._ready: deque[bytes] = deque()
        self._reason: RunnerError | None = None
        self._ended = False

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
        if self._ended:
            raise StopAsyncIteration
        try:
            event = await self._next()
        except BaseException as error:
            if self._reason is not None and not _cancelled_from_outside(error):
                error = self._reason
            if isinstance(error, RunnerError):
                error.delivered = self.route.delivered
            await self.aclose()
            raise error
        self.route.delivered += 1
        return event  # type: ignore[no-any-return]

    async def result(self) -> Result:
        """The whole answer, which the end carries. Raises what ended the stream otherwise."""
        return await collect(self, self._answer)

    @property
    def text(self) -> str:
        """The text of a chat so far, without what was withdrawn (its first choice)."""
        return self._truth.text

    @property
    def running(self) -> bool:
        """True until the end, whatever it was."""
        return not self._ended and self._reason is None

    async def aclose(self) -> None:
        """Stop the work at the server, unless the end has come, and free the connection."""
        if self._ended:
            return
        self._ended = True
        if not self._truth.finished:
            self._reason = self._reason or CancelledError("The stream was closed.")
        if self.timer is not None:
            self.timer.cancel()
        try:
            await self._journey.end(arrived=self._truth.finished)
        finally:
            self._on_end()

    def cancel(self, reason: RunnerError | None = None) -> bool:
        """Stop the request from elsewhere; the reader gets `reason`. True if it was running."""
        if not self.running:
            return False
        self._reason = reason or CancelledError("The request was cancelled.")
        self._journey.stop()
        return True

    async def _next(self) -> Any:
        if self._reason is not None:
            raise self._reason
        if not self._ready:
            await self._fill()
        event = self._truth.take(self._ready.popleft())
        if type(event) is Restarted:
            self.route.runner, self.route.model = event.to_runner, ""
        elif type(event) is Finish:
            if self._ready or await self._journey.more():
                raise self._truth.malformed("something came after the end")
            if event.result is not None:
                self.route.take_result(event.result)
            await self.aclose()
        return event

    async def _fill(self) -> None:
        """Wait for the next messages."""
        first = not self._journey.begun
        self._ready.extend(await self._journey.messages())
        if first:
            self.route.take_headers(self._journey.headers)


def _cancelled_from_outside(error: BaseException) -> bool:
    """Whether the reader's own task was cancelled, or the program stops."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return not isinstance(error, Exception)
