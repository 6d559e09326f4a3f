"""Runners that load or share badly, or tell wrong things about themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from msgspec.structs import replace

from breeze.contracts.capability import Backend, Capability
from breeze.contracts.errors import NotLoadedError
from breeze.contracts.events import EmbedEvent
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.runner import ModelInfo
from breeze.runners.mock_embedding import MockEmbeddingRunner
from breeze.runners.mock_llm import MockLLMRunner
from tests.testing.faults import Fault, broken


class OneMind(MockEmbeddingRunner):
    """Keeps the request on itself, where the next one overwrites it."""

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        self.latest = request
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        async with aclosing(super().embed(self.latest)) as events:
            async for event in events:
                yield event


class LoadsOnce(MockLLMRunner):
    """Cannot be loaded when it is."""

    async def load(self, model: str) -> None:
        if self._model:
            raise NotLoadedError("It is loaded already. Unload it first.")
        await super().load(model)


async def _stay(self: Any) -> None:
    """Unloads nothing."""


class Hoarder(MockLLMRunner):
    """Keeps a megabyte of every load."""

    kept: list[bytes] = []  # noqa: RUF012  # shared on purpose: that is the leak

    async def load(self, model: str) -> None:
        self.kept.append(b"x" * 2**20)
        await super().load(model)


async def _none_of_its_own(self: Any) -> tuple[ModelInfo, ...]:
    return (ModelInfo("mock-llm-huge"),)


async def _overrated(self: Any) -> tuple[ModelInfo, ...]:
    return (ModelInfo("mock-llm-basic", (Capability.TTS,)),)


def _no_reason(self: Any) -> str:
    return ""


async def _twice_the_same(self: Any) -> tuple[ModelInfo, ...]:
    return (ModelInfo("mock-llm-basic"), ModelInfo("mock-llm-basic"))


def _slow_check(self: Any) -> None:
    time.sleep(0.3)


def _nowhere(cls: Any, backend: Backend) -> dict[str, Any]:
    return {"gpu_layers": 9} if backend is Backend.GPU else {}


async def _embed(self: Any, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
    async with aclosing(MockEmbeddingRunner.embed(self, request)) as events:
        async for event in events:
            yield event


_info = MockLLMRunner.info
_MISSING = replace(_info, needs=("no_such_module_at_all",))
_WARPED = replace(_info, requirements=("WARP_DRIVE",))

FAULTS = [
    Fault("info.complete", broken(MockLLMRunner, "Anonymous", info=replace(_info, vendor=" "))),
    Fault("info.complete", broken(MockLLMRunner, "Busy", info=replace(_info, concurrency=0))),
    Fault("info.complete", broken(MockLLMRunner, "Passing", info=replace(_info, name="real"))),
    Fault("info.capabilities", broken(MockLLMRunner, "Modest", embed=_embed)),
    Fault("info.check", broken(MockLLMRunner, "SlowCheck", check=_slow_check)),
    Fault(
        "info.check",
        broken(MockLLMRunner, "Wordless", check=_no_reason),
        frozenset({"info.available"}),
    ),
    Fault("info.available", broken(MockLLMRunner, "Elsewhere", info=_MISSING)),
    Fault("info.hardware", broken(MockLLMRunner, "Warped", info=_WARPED)),
    Fault("info.hardware", broken(MockLLMRunner, "Lost", parameters_on=classmethod(_nowhere))),
    Fault("info.models", broken(MockLLMRunner, "Repeating", models=_twice_the_same)),
    Fault("info.models", broken(MockLLMRunner, "Foundling", models=_none_of_its_own)),
    Fault("info.models", broken(MockLLMRunner, "Overrated", models=_overrated)),
    Fault("concurrency.same", OneMind),
    Fault("load.twice", LoadsOnce),
    Fault("load.needed", broken(MockLLMRunner, "Immortal", unload=_stay)),
    Fault("load.memory", Hoarder),
]
