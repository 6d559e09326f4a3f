"""Puts the ollama runner to work on its stand-in."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from breeze.contracts.answers import ChatAnswer, Embeddings
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.runners._ollama_parameters import OllamaParameters
from breeze.runners.ollama import OllamaRunner
from breeze.testing.standins.ollama import OllamaStandin
from tests.runners import vendor
from tests.runners.vendor import events as events
from tests.runners.vendor import ready

MODEL, VECTORS = "parrot", "vectors"


def made(**values: Any) -> OllamaRunner:
    """A runner with these parameters."""
    return OllamaRunner(OllamaParameters.of(values))


def running(vendor: OllamaStandin, **values: Any) -> AbstractAsyncContextManager[OllamaRunner]:
    """A loaded runner that asks `vendor`."""
    return ready(made(base_url=vendor.url, **values))


def asking(text: str = "Hi you", **fields: Any) -> ChatRequest:
    return ChatRequest.of(text, **{"model": MODEL, **fields})


def embedding(*texts: str, **fields: Any) -> EmbedRequest:
    return EmbedRequest(texts or ("one", "two"), **{"model": VECTORS, **fields})


async def answer(runner: OllamaRunner, request: ChatRequest | None = None) -> ChatAnswer:
    return await vendor.answer(runner, request or asking())


async def vectors(runner: OllamaRunner, request: EmbedRequest) -> Embeddings:
    found = await vendor.whole(runner, request)
    assert isinstance(found, Embeddings)
    return found
