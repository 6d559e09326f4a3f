"""Runners in processes of their own: what crashes, leaks or hangs there hurts nobody else.

`isolated` gives a runner that the pool treats as any other. Its native runtime lives in a child
process, which is started by `load` and ended by `unload`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from pathlib import PurePath
from typing import Any

from pydantic import SecretStr

from breeze.contracts.errors import NotLoadedError, RunnerError
from breeze.contracts.events import Finish
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import Request
from breeze.contracts.runner import ModelInfo, Runner
from breeze.engine.unexpected import secrets_in
from breeze.engine.worker import Worker
from breeze.engine.worker_errors import IDLE, of_load
from breeze.engine.worker_messages import Hello, Settings
from breeze.engine.worker_pulse import watched

_FIRST_REST, _DOUBLED, _LONGEST_REST = 0.1, 7, 10.0
"""Seconds before a worker that crashed is started again; doubles, a few times, until an answer ends
well.
"""


def isolated(runner: Runner[Any]) -> WorkerRunner:
    """`runner` (not loaded) with its work in a process of its own."""
    return WorkerRunner(runner)


class WorkerRunner(Runner[Parameters]):
    """Stands for a runner that works in a child process; made by `isolated`.

    A crash there is a ProcessingError (E101, detail `crashed`) for those whom it served, or a
    MemoryLimitError (E504) where the system was out of memory; then `lost` is called, and the next
    `load` starts a new process. Closing a stream takes at most 0.1 s: what has not stopped by then
    stops behind it, and the worker is ended when that takes too long.
    """

    def __init__(self, runner: Runner[Any]) -> None:
        super().__init__(runner.parameters)
        self.info = runner.info  # type: ignore[misc]  # that of the one it stands for
        self.capabilities_of = runner.capabilities_of  # type: ignore[method-assign]  # likewise
        self.home = runner.home
        self._runner = runner
        self._worker: Worker | None = None
        self._told: Parameters | None = None
        self._crashes = 0
        self._crashed = 0.0

    @property
    def pid(self) -> int:
        """The process that does the work; 0 while there is none."""
        return self._worker.pid if self._worker is not None and self._worker.alive else 0

    def check(self) -> str | None:
        return obstacle(type(self._runner)) or self._runner.check()

    def memory(self, model: str) -> int:
        return self._runner.memory(model)

    def resident(self) -> int:
        """Bytes of memory that its process takes now; 0 when there is none, or unknown."""
        return self._worker.resident() if self.pid and self._worker is not None else 0

    async def models(self) -> tuple[ModelInfo, ...]:
        if self._worker is not None and self._worker.alive:
            return await self._worker.models()
        return await self._runner.models()

    async def load(self, model: str) -> None:
        worker = self._worker
        if worker is None or not worker.alive:
            await self._rest()
            worker = self._worker = self._start()
        try:
            worker.progress = self.progress
            with watched(worker.pid, self.clock, lambda: worker.stop(IDLE)):
                await worker.load(model)
            if not worker.alive:  # it ended as soon as it was ready, of which nobody else is told
                await worker.models()  # which raises how
        except BaseException as error:
            await self.unload()
            if isinstance(error, RunnerError):
                raise of_load(error) from error.__cause__
            raise

    async def _rest(self) -> None:
        """Wait before a new start, the longer the more often it crashed in a row."""
        if self._crashes:
            rest = min(_LONGEST_REST, _FIRST_REST * 2 ** min(self._crashes - 1, _DOUBLED))
            await self.clock.sleep(self._crashed + rest - self.clock.now())

    def _start(self) -> Worker:
        kind = type(self._runner)
        if (reason := obstacle(kind)) is not None:
            raise NotLoadedError(f"{self.info.name} {reason}.", runner=self.info.name)
        self._told = self.parameters
        hello = Hello(_address(kind), _plain(self.parameters), str(self.home or ""))
        threads = getattr(self.parameters, "threads", None)
        return Worker(
            self.info.name,
            hello,
            self.clock,
            threads if isinstance(threads, int) and threads > 0 else 1,
            self.work,
            tuple(secrets_in(self.parameters)),
            self._gone,
        )

    def _gone(self) -> None:
        self._crashes += 1
        self._crashed = self.clock.now()
        self.lost()

    async def unload(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close()

    def stream(self, request: Request[Any]) -> AsyncGenerator[Any]:
        return self._events(self._worker, request)

    async def _events(self, worker: Worker | None, request: Request[Any]) -> AsyncGenerator[Any]:
        if worker is None:
            raise NotLoadedError(
                f"{self.info.name} is not loaded: call load() before a request.",
                runner=self.info.name,
            )
        if self.parameters is not self._told:
            self._told = self.parameters
            worker.secrets = tuple(secrets_in(self.parameters))
            worker.send(Settings(_plain(self.parameters)))
        events = worker.events(request)
        try:
            async for event in events:
                if type(event) is Finish:
                    self._crashes = 0
                yield event
        finally:
            await events.aclose()


def obstacle(kind: type[Runner[Any]]) -> str | None:
    """Why runners of this class cannot work in a process of their own, with the remedy."""
    if sys.platform == "win32":
        return "cannot have a process of its own on Windows: set its isolation to none"
    found: Any = sys.modules.get(kind.__module__)
    for name in kind.__qualname__.split("."):
        found = getattr(found, name, None)
    if found is kind and kind.__module__ != "__main__":
        return None
    return (
        f"cannot have a process of its own, which could not import {_address(kind)}: put the "
        "class into a module, or set its isolation to none"
    )


def _address(kind: type[Runner[Any]]) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _plain(parameters: Parameters) -> dict[str, Any]:
    """The parameters that were given, secrets in clear: only for the worker's own socket."""
    return {name: _value(getattr(parameters, name)) for name in parameters.model_fields_set}


def _value(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, PurePath):
        return str(value)
    return [_value(item) for item in value] if isinstance(value, tuple | list) else value
