"""Puts the openai runner to work on the stand-in of its vendor."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from breeze.contracts.request import Request
from breeze.contracts.results import ANSWERS, collect
from breeze.contracts.runner import Runner
from breeze.runners._openai_parameters import OpenAIParameters
from breeze.runners.openai import OpenAIRunner
from breeze.testing.standins.openai import OpenAIStandin
from breeze.testing.stream import checked

KEY = "test-key"
MODEL = "parrot-1"


@asynccontextmanager
async def serving(
    profile: str = "", **values: Any
) -> AsyncIterator[tuple[OpenAIStandin, OpenAIRunner]]:
    """A stand-in, and a loaded runner that asks it."""
    async with OpenAIStandin.serving(profile=profile) as vendor:
        async with loaded(vendor, **values) as runner:
            yield vendor, runner


@asynccontextmanager
async def loaded(vendor: OpenAIStandin, **values: Any) -> AsyncIterator[OpenAIRunner]:
    """A loaded runner that asks `vendor`."""
    given = {"base_url": vendor.url, "api_key": KEY, **values}
    runner = OpenAIRunner(OpenAIParameters.of(given))
    await runner.load("")
    try:
        yield runner
    finally:
        await runner.unload()


def events_of(runner: Runner[Any], request: Request[Any]) -> AsyncGenerator[Any]:
    """The events, each checked on its way."""
    return checked(runner.stream(request), request.capability.method)


async def whole(runner: Runner[Any], request: Request[Any]) -> Any:
    """The whole answer."""
    return await collect(events_of(runner, request), ANSWERS[request.capability.method])
