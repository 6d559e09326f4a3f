"""What an instance serves: asked of its runner seldom, because a remote one asks its server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from breeze.contracts.clock import Clock
from breeze.contracts.errors import RunnerError
from breeze.contracts.parameters import Parameters
from breeze.contracts.runner import ModelInfo, Runner

T = TypeVar("T")
FRESH = 60.0
"""Seconds for which an answer is believed."""
RECENT = 5.0
"""Seconds for which a failure is not tried again, and a new name not asked for again."""

PATIENCE = 5.0
"""Seconds that a runner may take to tell; who takes longer is not asked for as long as an answer
is believed, because requests to others wait for it.
"""


class Served:
    """The models of one instance. `known`: the last answer, None until there was one."""

    def __init__(self) -> None:
        self.known: tuple[ModelInfo, ...] | None = None
        self._next = float("-inf")
        self._recent = float("-inf")
        self._asking = asyncio.Lock()

    async def ask(
        self,
        runner_type: type[Runner[Parameters]],
        parameters: Parameters,
        clock: Clock,
        *,
        home: Path | None = None,
        newest: bool = False,
    ) -> tuple[ModelInfo, ...]:
        """The models, from memory while the answer is fresh; with `newest`, while it is recent.

        One question at a time: who comes meanwhile gets its answer. When the runner cannot tell,
        the answer before counts on, nothing if there was none.
        """
        async with self._asking:
            if clock.now() >= (self._recent if newest else self._next):
                runner = runner_type(parameters)
                runner.home = home
                await self._ask(runner, clock)
        return self.known or ()

    async def _ask(self, runner: Runner[Parameters], clock: Clock) -> None:
        recent = RECENT
        try:
            self.known, seconds = await _soon(runner.models(), clock), FRESH
        except TimeoutError:
            seconds = recent = FRESH
        except RunnerError:
            seconds = RECENT
        self._next, self._recent = clock.now() + seconds, clock.now() + recent


async def _soon(work: Coroutine[Any, Any, T], clock: Clock) -> T:
    """What `work` gives. Raises TimeoutError when it takes longer than `PATIENCE`."""
    task, late = asyncio.ensure_future(work), False

    def stop() -> None:
        nonlocal late
        late = task.cancel()

    timer = clock.call_later(PATIENCE, stop)
    try:
        return await task
    except asyncio.CancelledError:
        me = asyncio.current_task()
        if late and not (me is not None and me.cancelling()):
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
