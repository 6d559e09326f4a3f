"""What all runners of ExecuTorch programs do: find, load and unload them, and answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

from breeze.contracts.capability import Backend
from breeze.contracts.errors import NotLoadedError, RunnerError
from breeze.contracts.events import ChatEvent, joined
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import ModelInfo, Runner
from breeze.contracts.threads import from_thread
from breeze.runners._executorch_chat import Continuation, Manner
from breeze.runners._executorch_engine import ProgramEngine
from breeze.runners._executorch_models import REMEDY, Found, ProgramModel, find, listed, served
from breeze.runners._executorch_parameters import ProgramParameters
from breeze.runners._memory import give_back, loaded

P = TypeVar("P", bound=ProgramParameters)
_RUNTIME_BYTES = 450_000_000
"""What the runtime takes beside a program, most of it for torch, which it loads."""


class ProgramRunner(Runner[P]):
    """Base of runners of ExecuTorch programs. `example`: what could be pulled, if anything."""

    example = ""

    def __init__(self, parameters: P) -> None:
        super().__init__(parameters)
        self._engine: ProgramEngine | None = None

    def check(self) -> str | None:
        missing = super().check()
        if missing is not None:
            return missing
        try:
            there = self._served()
        except OSError as error:
            return f"models_dir cannot be read: {error}"
        if there:
            return None
        pull = f", or run: breeze pull {self.example}" if self.example else ""
        return f"there is no model: {REMEDY}{pull}"

    @classmethod
    def backends_of(cls, parameters: P, home: Path | None = None) -> tuple[Backend, ...]:
        """Where its default program computes: that was settled when it was exported."""
        try:
            return (find("", served(parameters, home, cls.info.name), "").program.backend,)
        except (RunnerError, OSError):
            return cls.info.backends

    def memory(self, model: str) -> int:
        try:
            return find(model, self._served(), self.info.name).program.size + _RUNTIME_BYTES
        except (RunnerError, OSError):
            return 0

    def fit(self, model: ProgramModel) -> None:
        """Raises a RunnerError when this machine cannot run `model`."""

    async def load(self, model: str) -> None:
        found = await asyncio.to_thread(find, model, self._served(), self.info.name)
        if self._engine is not None and self._engine.model.id == found.id:
            return
        await self.unload()
        self.fit(found)
        self._engine = await loaded(lambda: ProgramEngine(found, self.parameters))

    async def unload(self) -> None:
        if self._engine is not None:
            self._engine = None
            await asyncio.to_thread(give_back)

    async def models(self) -> tuple[ModelInfo, ...]:
        return await asyncio.to_thread(listed, self._served(), self.info.name)

    def loaded(self) -> ProgramEngine:
        """The program at work. Raises NotLoadedError."""
        if self._engine is None:
            raise NotLoadedError("No model is loaded: call load first.", runner=self.info.name)
        return self._engine

    async def answers(
        self, request: ChatRequest, manner: Manner, system_prompt: str
    ) -> AsyncGenerator[ChatEvent]:
        """The events of the answers, what was adjusted first."""
        for event in manner.told:
            yield event
        work = Continuation(self.loaded(), request, manner, system_prompt, self.work)
        with self.work.stream():
            async with aclosing(from_thread(work.run, join=joined)) as events:
                async for made in events:
                    yield made

    def _served(self) -> dict[str, Found]:
        return served(self.parameters, self.home, self.info.name)
