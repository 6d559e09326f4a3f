"""Puts the huggingface runner to work on the stand-in of its vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from breeze.contracts.errors import RunnerError
from breeze.runners._huggingface_parameters import HuggingFaceParameters
from breeze.runners.huggingface import HuggingFaceRunner
from breeze.testing.standins.huggingface import HuggingFaceStandin
from breeze.testing.stream import checked


@asynccontextmanager
async def running(vendor: HuggingFaceStandin, **values: Any) -> AsyncIterator[HuggingFaceRunner]:
    """A loaded runner that asks `vendor`."""
    given = {"base_url": vendor.url, "api_key": vendor.key, **values}
    runner = HuggingFaceRunner(HuggingFaceParameters.of(given))
    await runner.load("")
    try:
        yield runner
    finally:
        await runner.unload()


async def events(runner: HuggingFaceRunner, request: Any, *, fails: bool = False) -> list[Any]:
    """All events, each checked on its way."""
    seen: list[Any] = []
    try:
        async for event in checked(runner.stream(request), request.capability.method):
            seen.append(event)
    except RunnerError:
        if not fails:
            raise
    return seen
