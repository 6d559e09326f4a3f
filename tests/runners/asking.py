"""Puts the openai runner to work on a stand-in."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.requests import ChatRequest
from breeze.runners._openai_parameters import OpenAIParameters
from breeze.runners.openai import OpenAIRunner
from tests.runners import vendor
from tests.runners.openai_server import MODEL, delta, stop, usage
from tests.runners.openai_server import sse as sse
from tests.runners.standin import Exchange, Script, StandIn
from tests.runners.vendor import ready

HELLO = (delta("Hel"), delta("lo"), stop(), usage(3, 2), "[DONE]")
"""An ordinary stream."""


def running(server: StandIn, **values: Any) -> AbstractAsyncContextManager[OpenAIRunner]:
    """A loaded runner that asks `server`."""
    return ready(made(base_url=server.url, **values))


def made(**values: Any) -> OpenAIRunner:
    """A runner with these parameters."""
    return OpenAIRunner(OpenAIParameters.of(values))


def asking(**fields: Any) -> ChatRequest:
    return ChatRequest.of("Hi", **{"model": MODEL, **fields})


async def answer(runner: OpenAIRunner, request: ChatRequest | None = None) -> ChatAnswer:
    """The whole answer, each event checked on its way."""
    return await vendor.answer(runner, request or asking())


def streaming(*pieces: bytes, **headers: str) -> Script:
    """An answer whose body is sent in these pieces, in HTTP chunks of their own."""

    async def script(exchange: Exchange) -> None:
        await exchange.stream(**headers)
        await exchange.chunk(*pieces)
        await exchange.end()

    return script


def whole(body: bytes, status: str = "200 OK", **headers: str) -> Script:
    """An answer in one write."""

    async def script(exchange: Exchange) -> None:
        await exchange.whole(body, status, **headers)

    return script
