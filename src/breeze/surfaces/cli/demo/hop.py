"""One step of the demo: a request, its events as they come, its times, and who answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from breeze.contracts.answers import Answer, Result
from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import Adjusted, AnyEvent, Finish, Progress
from breeze.contracts.request import Request
from breeze.engine.engine import Engine
from breeze.engine.selection import Decision
from breeze.surfaces.cli._stop import Stop

Show = Callable[[AnyEvent], None]


@dataclass(frozen=True)
class Hop:
    """How a step went. Seconds from the request to the first event and to the end."""

    name: str
    result: Result
    decision: Decision
    first: float
    total: float

    @property
    def why(self) -> str:
        """Why the one who answered stood where it stood."""
        choices = self.decision.order
        return next((c.why for c in choices if c.name == self.result.runner), "")


async def take(name: str, engine: Engine, request: Request[Any], show: Show, stop: Stop) -> Hop:
    """Run `request` as the step `name`. Raises a RunnerError that names the step."""
    try:
        hop = await _timed(name, engine, request, show, stop)
    except RunnerError as error:
        error.message = f"The demo's step “{name}” failed: {error.message}"
        raise
    refuse_mock(name, hop.result)
    return hop


async def _timed(name: str, engine: Engine, request: Request[Any], show: Show, stop: Stop) -> Hop:
    started = time.perf_counter()
    first, result, decision = 0.0, None, None
    async with engine.stream(request) as events:
        stop.stream = events
        async for event in events:
            if not first and not isinstance(event, Progress | Adjusted):
                first, decision = time.perf_counter() - started, events.route.decision
            show(event)
            if type(event) is Finish:
                result = event.result
    assert result is not None
    assert decision is not None
    return Hop(name, result, decision, first, time.perf_counter() - started)


def refuse_mock(name: str, result: Answer) -> None:
    """Raises ProcessingError when a mock made `result`."""
    if result.mock:
        raise ProcessingError(
            f"The demo's step “{name}” was answered by {result.runner}, which is a mock, and the "
            "demo pretends nothing. See: breeze runners"
        )
