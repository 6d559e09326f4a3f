"""Runners that do not let themselves be stopped, or not cleanly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import ChatEvent, TranscribeEvent
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest, TranscribeRequest
from breeze.contracts.runner import Work
from breeze.runners.mock_asr import MockASRRunner
from breeze.runners.mock_llm import MockLLMRunner
from tests.testing.faults import Fault, broken

_TOO_LONG = 0.15
"""Seconds; a cancel has 0.1."""


class EagerWork(MockLLMRunner):
    """Counts itself as working before anybody reads, and for ever if nobody does."""

    def stream(self, request: Request[Any]) -> AsyncGenerator[Any]:
        self.work.active += 1
        return self._once_read(super().stream(request))

    async def _once_read(self, events: AsyncGenerator[Any]) -> AsyncGenerator[Any]:
        self.work.active -= 1
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()


class DeafAtFirst(MockLLMRunner):
    """Prepares, and does not let itself be stopped while it does."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        try:
            await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            await asyncio.sleep(_TOO_LONG)
            raise
        async with aclosing(super().chat(request)) as events:
            async for event in events:
                yield event


class WarmingUp(MockLLMRunner):
    """Cannot be stopped in its first answer after load."""

    warm = True

    async def load(self, model: str) -> None:
        await super().load(model)
        self.warm = False

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        warm, self.warm = self.warm, True
        try:
            await asyncio.sleep(0 if warm else 0.005)
        except asyncio.CancelledError:
            await asyncio.sleep(0 if warm else _TOO_LONG)
            raise
        async with aclosing(super().chat(request)) as events:
            async for event in events:
                yield event


class SlowToClose(MockLLMRunner):
    """Takes its time to clean up once it has begun to talk."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        number = 0
        try:
            async with aclosing(super().chat(request)) as events:
                async for event in events:
                    number += 1
                    yield event
        except GeneratorExit:
            await asyncio.sleep(_TOO_LONG if number == 2 else 0)
            raise


class WorksOn(MockLLMRunner):
    """Goes on working when nobody listens any more."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        number = 0
        try:
            async with aclosing(super().chat(request)) as events:
                async for event in events:
                    number += 1
                    yield event
        except GeneratorExit:
            if number == 2:
                self.rest = asyncio.create_task(self._go_on())
            raise

    async def _go_on(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0.001)
            self.work.steps += 1


class AnswersBack(MockLLMRunner):
    """Has something to say to the one who leaves."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        number = 0
        events = super().chat(request)
        try:
            async for event in events:
                number += 1
                yield event
        except GeneratorExit:
            await events.aclose()
            if number == 2:
                yield event
            raise


class WaitsForMore(MockASRRunner):
    """Waits for the speaker, whoever has left."""

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        try:
            async with aclosing(super().transcribe(request)) as events:
                async for event in events:
                    yield event
        except asyncio.CancelledError:
            await asyncio.sleep(_TOO_LONG)
            raise


def _own_work(self: Any) -> Work:
    return Work()


def _ignore(self: Any, work: Work) -> None:
    """Whoever sets it is not heard."""


class OneLeavesAllLeave(MockLLMRunner):
    """Stops every stream when one is closed."""

    closed = 0

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        before = self.closed
        try:
            async with aclosing(super().chat(request)) as events:
                async for event in events:
                    if self.closed != before:
                        raise ProcessingError("Stopped with another one. Send it again.")
                    yield event
        except GeneratorExit:
            self.closed += 1
            raise


FAULTS = [
    Fault("cancel.fresh", EagerWork),
    Fault("cancel.loaded", WarmingUp),
    Fault("cancel.first", DeafAtFirst, frozenset({"cancel.loaded"})),
    Fault("cancel.middle", SlowToClose),
    Fault("cancel.middle", WorksOn),
    Fault("cancel.middle", AnswersBack),
    Fault("cancel.live", WaitsForMore),
    Fault(
        "cancel.counted",
        broken(MockLLMRunner, "OffTheBooks", work=property(_own_work, _ignore)),
    ),
    Fault("cancel.others", OneLeavesAllLeave),
]
