"""What an instance serves: asked of its runner seldom, because a remote one asks its server."""

from __future__ import annotations

import asyncio

from breeze.contracts.clock import Clock
from breeze.contracts.errors import RunnerError
from breeze.contracts.parameters import Parameters
from breeze.contracts.runner import ModelInfo, Runner

FRESH = 60.0
"""Seconds for which an answer is believed."""
RECENT = 5.0
"""Seconds for which a failure is not tried again, and a new name not asked for again."""


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
        newest: bool = False,
    ) -> tuple[ModelInfo, ...]:
        """The models, from memory while the answer is fresh; with `newest`, while it is recent.

        One question at a time: who comes meanwhile gets its answer. When the runner cannot tell,
        the answer before counts on, nothing if there was none.
        """
        async with self._asking:
            if clock.now() >= (self._recent if newest else self._next):
                await self._ask(runner_type(parameters), clock)
        return self.known or ()

    async def _ask(self, runner: Runner[Parameters], clock: Clock) -> None:
        try:
            self.known, seconds = await runner.models(), FRESH
        except RunnerError:
            seconds = RECENT
        self._next, self._recent = clock.now() + seconds, clock.now() + RECENT
