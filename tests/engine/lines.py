"""An engine that tries scripted runners in a row."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from breeze.contracts.capability import METHODS, Capability
from breeze.contracts.errors import Attempt
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.engine.stream import EventStream
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Script, Steps, scripted
from tests.engine.conftest import OpenEngine

T = TypeVar("T")
FINE: Steps = [TextDelta("fine"), Finish()]
LIMITS = {"attempts": 2, "firstEventMs": 20_000, "stallMs": 30_000, "deadlineMs": 600_000}


class Line:
    """Runners in a row; each call follows the next of its scripts. `calls` is who was called."""

    def __init__(self, scripts: Mapping[str, list[Steps]], request: Request[Any]) -> None:
        self.calls: list[str] = []
        self.asked: list[Any] = []
        self.clock = ManualClock()
        self.engine: Engine
        self.request = request
        self.scripts = {
            name: Script(*(self._told(name, steps) for steps in lines))
            for name, lines in scripts.items()
        }

    def _told(self, name: str, steps: Steps) -> Callable[[Any], Steps]:
        def begin(request: Any) -> Steps:
            self.calls.append(name)
            self.asked.append(request)
            return steps

        return begin

    def stream(self, **changes: Any) -> EventStream[Any]:
        return self.engine.stream(self.another(**changes))

    def another(self, **changes: Any) -> Request[Any]:
        """The request once more, under another id."""
        fields = {name: getattr(self.request, name) for name in self.request.__struct_fields__}
        return type(self.request)(**(fields | {"id": _new_id()} | changes))

    async def read(self, **changes: Any) -> tuple[list[Any], list[Attempt]]:
        """What comes, the end without what it adds up to; and the tries that failed."""
        stream, seen = self.stream(**changes), []
        async for event in stream:
            seen.append(Finish(event.reason) if isinstance(event, Finish) else event)
        return seen, list(stream.route.failed)

    async def outcome(self, **changes: Any) -> tuple[list[Any], list[Attempt]]:
        """The same, while time passes."""
        return await self.passing(self.read(**changes))

    async def whole(self, **changes: Any) -> Any:
        """The whole answer, while time passes."""
        request: Any = self.another(**changes)
        return await self.passing(self.engine.run(request))

    async def passing(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives, while time passes."""
        task = asyncio.create_task(work)
        await settle()
        while not task.done():
            await self.clock.advance(0.5)
        return await task


def _new_id() -> str:
    return ChatRequest.of("x").id


Lined = Callable[..., AbstractAsyncContextManager[Line]]


def line_of(opened: OpenEngine, tmp_path: Path) -> Lined:
    """`lined(a=[script, …], b=…)`: an engine that tries runners in this order.

    Before the scripts: keys of `failover`; `circuit=` keys of that, `request=` who asks for what,
    `facts=` further facts of the runners, by name.
    """

    @asynccontextmanager
    async def open_line(
        failover: dict[str, Any] | None = None,
        /,
        circuit: dict[str, Any] | None = None,
        request: Request[Any] | None = None,
        facts: Mapping[str, dict[str, Any]] | None = None,
        **scripts: list[Steps],
    ) -> AsyncIterator[Line]:
        asked = request or ChatRequest.of("Hi")
        line, file = Line(scripts, asked), tmp_path / "config.json"
        capability = Capability(asked.needs)
        runners = {name: {"class": name, "priority": i} for i, name in enumerate(scripts)}
        settings = {"failover": LIMITS | (failover or {}), "circuit": circuit or {}}
        capabilities = {capability.value: {"runners": runners}}
        config = {"version": "2.0", "globalSettings": settings, "capabilities": capabilities}
        file.write_text(json.dumps(config))
        kinds = []
        for name, script in line.scripts.items():
            more = dict((facts or {}).get(name, {}))
            script.models = more.pop("models", None)
            kinds.append(scripted(name, script, METHODS[capability], **more))
        async with opened(*kinds, config=file, clock=line.clock) as line.engine:
            await line.engine.explain(asked)  # who is there is known by now
            yield line
        assert line.clock.pending == 0  # nothing is left to be done later

    return open_line
