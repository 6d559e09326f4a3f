"""Puts the ollama runner to work on its stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from breeze.contracts.answers import ChatAnswer, Embeddings
from breeze.contracts.events import AnyEvent
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.results import collect
from breeze.runners._ollama_parameters import OllamaParameters
from breeze.runners.ollama import OllamaRunner
from breeze.testing.standins.ollama import OllamaStandin
from breeze.testing.stream import checked

MODEL, VECTORS = "parrot", "vectors"


def made(**values: Any) -> OllamaRunner:
    """A runner with these parameters."""
    return OllamaRunner(OllamaParameters.of(values))


@asynccontextmanager
async def running(vendor: OllamaStandin, **values: Any) -> AsyncIterator[OllamaRunner]:
    """A loaded runner that asks `vendor`."""
    runner = made(base_url=vendor.url, **values)
    await runner.load("")
    try:
        yield runner
    finally:
        await runner.unload()


def asking(text: str = "Hi you", **fields: Any) -> ChatRequest:
    return ChatRequest.of(text, **{"model": MODEL, **fields})


def embedding(*texts: str, **fields: Any) -> EmbedRequest:
    return EmbedRequest(texts or ("one", "two"), **{"model": VECTORS, **fields})


async def events(runner: OllamaRunner, request: Request[Any]) -> list[AnyEvent]:
    """Every event, each checked on its way."""
    return [event async for event in checked(runner.stream(request), request.capability.method)]


async def answer(runner: OllamaRunner, request: ChatRequest | None = None) -> ChatAnswer:
    found = await collect(checked(runner.chat(request or asking()), "chat"))
    assert isinstance(found, ChatAnswer)
    return found


async def vectors(runner: OllamaRunner, request: EmbedRequest) -> Embeddings:
    found = await collect(checked(runner.embed(request), "embed"), Embeddings)
    assert isinstance(found, Embeddings)
    return found
