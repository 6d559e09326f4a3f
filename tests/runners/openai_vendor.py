"""Puts the openai runner to work on the stand-in of its vendor."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from breeze.contracts.request import Request
from breeze.contracts.runner import Runner
from breeze.runners.openai import OpenAIRunner
from breeze.testing.standins.openai import OpenAIStandin
from breeze.testing.stream import checked
from tests.runners.vendor import running
from tests.runners.vendor import whole as whole

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


def loaded(vendor: OpenAIStandin, **values: Any) -> AbstractAsyncContextManager[OpenAIRunner]:
    """A loaded runner that asks `vendor`."""
    return running(OpenAIRunner, vendor.url, **values)


def events_of(runner: Runner[Any], request: Request[Any]) -> AsyncGenerator[Any]:
    """The events, each checked on its way."""
    return checked(runner.stream(request), request.capability.method)
