"""Puts a runner to work, mostly on a stand-in of its vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.events import AnyEvent
from breeze.contracts.messages import Message, Tool
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import ANSWERS, collect
from breeze.contracts.runner import Runner
from breeze.testing.stream import checked

R = TypeVar("R", bound=Runner[Any])
MODEL = "parrot-1"
"""A model of the stand-ins that repeat what was said."""
WEATHER = Tool(
    "weather", "Tells the weather.", {"type": "object", "properties": {"place": {"type": "string"}}}
)


def asking(text: str = "Good day to you.", **fields: Any) -> ChatRequest:
    """A chat of one turn with that model."""
    return ChatRequest.of(text, **{"model": MODEL, **fields})


def talking(*messages: Message, **fields: Any) -> ChatRequest:
    """A chat of these turns with that model."""
    return ChatRequest(messages, **{"model": MODEL, **fields})


@asynccontextmanager
async def ready(runner: R, model: str = "") -> AsyncIterator[R]:
    """The runner, loaded for the time of the block."""
    await runner.load(model)
    try:
        yield runner
    finally:
        await runner.unload()


def running(kind: type[R], url: str, **values: Any) -> AbstractAsyncContextManager[R]:
    """A loaded runner that asks the server at `url` with the usual key."""
    given = {"base_url": url, "api_key": "test-key", **values}
    return ready(kind(kind.parameters_type.of(given)))


async def whole(runner: Runner[Any], request: Request[Any]) -> Any:
    """The whole answer to any request, each event checked on its way."""
    method = request.capability.method
    return await collect(checked(runner.stream(request), method), ANSWERS[method])


async def answer(runner: Runner[Any], request: ChatRequest) -> ChatAnswer:
    """The whole answer to a chat."""
    found = await whole(runner, request)
    assert isinstance(found, ChatAnswer)
    return found


async def events(runner: Runner[Any], request: Request[Any]) -> list[AnyEvent]:
    """Every event, each checked on its way."""
    return [event async for event in checked(runner.stream(request), request.capability.method)]
