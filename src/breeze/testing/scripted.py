"""A real runner that follows a script: for tests of everything that calls runners.

gate = Gate()
script = Script([TextDelta("Hel"), gate, TextDelta("lo"), Finish()], [UnavailableError("off")])
flaky = scripted("flaky", script)          # a runner class, as @runner would give
...
await gate.started.wait()                  # the runner is in the middle of its first call
gate.release.set()
assert script.calls[0].ended and script.loads == 1
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from copy import copy
from typing import Any, ClassVar

from breeze.contracts.capability import RunnerKind
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import Request
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.values import Event


class Gate:
    """A place in a script where the runner waits: `started` tells that it got there."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self) -> None:
        self.started.set()
        await self.release.wait()


Step = Event | BaseException | Callable[[], Awaitable[object]]
"""An event to yield, an exception to raise, or something to await, such as a `Gate`."""
Steps = Sequence[Step]
Line = Steps | Callable[[Request[Any]], Steps]
"""What one call does: its steps, or a function that makes them from the request."""


class Call:
    """One call as it went. `sent`: events that were taken; `closed`: the reader left early."""

    def __init__(self, request: Request[Any]) -> None:
        self.request = request
        self.sent = 0
        self.ended = False
        self.closed = False
        self.error: BaseException | None = None
        self.over = asyncio.Event()


class Script:
    """What each call does, and the record of what happened.

    Call number i follows line i; further calls repeat the last line. `on_load` are the steps of
    each load. `reason` is what `check()` answers and may be changed at any time.
    """

    def __init__(
        self,
        *lines: Line,
        on_load: Steps = (),
        reason: str | None = None,
        models: tuple[ModelInfo, ...] | None = None,
    ) -> None:
        self.lines = lines
        self.on_load = on_load
        self.reason = reason
        self.models = models
        self.calls: list[Call] = []
        self.loads = 0
        self.unloads = 0
        self.loaded_models: list[str] = []
        self.instances: list[ScriptedRunner] = []

    @property
    def closes(self) -> int:
        """Calls whose reader left before the end."""
        return sum(call.closed for call in self.calls)

    @property
    def active(self) -> int:
        """Calls that are running now."""
        return sum(not call.over.is_set() for call in self.calls)

    def begin(self, request: Request[Any]) -> tuple[Call, Steps]:
        """Note a new call; the steps it follows."""
        line = self.lines[min(len(self.calls), len(self.lines) - 1)] if self.lines else ()
        call = Call(request)
        self.calls.append(call)
        return call, line(request) if callable(line) else line


class ScriptedRunner(Runner[Parameters]):
    """Follows its script. Make one with `scripted`."""

    script: ClassVar[Script]

    def __init__(self, parameters: Parameters) -> None:
        super().__init__(parameters)
        self.script.instances.append(self)

    async def load(self, model: str) -> None:
        self.script.loads += 1
        self.script.loaded_models.append(model)
        async for _ in _steps(self.script.on_load):
            raise TypeError("on_load cannot yield events")

    async def unload(self) -> None:
        self.script.unloads += 1

    def check(self) -> str | None:
        return self.script.reason

    async def models(self) -> tuple[ModelInfo, ...]:
        return await super().models() if self.script.models is None else self.script.models


async def _steps(steps: Steps) -> AsyncGenerator[Event]:
    for step in steps:
        if isinstance(step, Event):
            yield step
        elif isinstance(step, BaseException):
            raise copy(step)  # its own traceback each time
        else:
            await step()


async def _play(self: ScriptedRunner, request: Request[Any]) -> AsyncGenerator[Event]:
    call, steps = self.script.begin(request)
    with self.work.stream() as work:
        try:
            async with aclosing(_steps(steps)) as events:
                async for event in events:
                    work.steps += 1
                    call.sent += 1
                    yield event
            call.ended = True
        except (GeneratorExit, asyncio.CancelledError):
            call.closed = True
            raise
        except BaseException as error:
            call.error = error
            raise
        finally:
            call.over.set()


def scripted(
    name: str,
    script: Script,
    *methods: str,
    kind: RunnerKind = RunnerKind.LOCAL,
    vision: bool = False,
    parameters: type[Parameters] = Parameters,
    **facts: Any,
) -> type[ScriptedRunner]:
    """A runner class `name` with `methods` (default: chat) that follows `script`.

    `facts` are fields of `RunnerInfo`, such as `concurrency` or `default_model`.
    """
    body: dict[str, Any] = dict.fromkeys(methods or ("chat",), _play)
    body |= {
        "__doc__": f"Follows a script as {name}.",
        "script": script,
        "vision": vision,
        "parameters_type": parameters,
    }
    made = type(f"Scripted_{name}", (ScriptedRunner,), body)
    return runner(name, vendor="Script", kind=kind, **facts)(made)
