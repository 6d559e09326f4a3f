"""Puts a runner to work on a stand-in of its vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.events import AnyEvent
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.contracts.runner import Runner
from breeze.testing.stream import checked

R = TypeVar("R", bound=Runner[Any])


@asynccontextmanager
async def running(kind: type[R], url: str, **values: Any) -> AsyncIterator[R]:
    """A loaded runner that asks the server at `url` with the usual key."""
    given = {"base_url": url, "api_key": "test-key", **values}
    runner = kind(kind.parameters_type.of(given))
    await runner.load("")
    try:
        yield runner
    finally:
        await runner.unload()


async def answer(runner: Runner[Any], request: ChatRequest) -> ChatAnswer:
    """The whole answer, each event checked on its way."""
    found = await collect(checked(runner.stream(request), "chat"))
    assert isinstance(found, ChatAnswer)
    return found


async def events(runner: Runner[Any], request: ChatRequest) -> list[AnyEvent]:
    """Every event, checked on its way."""
    return [event async for event in checked(runner.stream(request), "chat")]
