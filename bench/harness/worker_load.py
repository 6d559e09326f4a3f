"""The runner of the workers' benchmark, in a file that brings nothing else into its process."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from breeze.contracts.capability import RunnerKind
from breeze.contracts.events import AudioChunk, ChatEvent, Finish, SpeakEvent, TextDelta, Usage
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest, SpeakRequest
from breeze.contracts.runner import Runner, runner

MEGABYTE = 1_000_000


@runner("benchmark_worker", vendor="bench", kind=RunnerKind.LOCAL, isolation="process")
class BenchmarkWorkerRunner(Runner[Parameters]):
    """Yields as many deltas as `max_tokens` says, as fast as it can; speaks megabytes."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        for _ in range(request.max_tokens or 0):
            yield TextDelta("word ")
        yield Usage(1, request.max_tokens or 0)
        yield Finish()

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        yield AudioChunk(bytes(int(request.text) * MEGABYTE), 0, 16_000)
        yield Finish()
