"""Embeddings: the request as JSON, and the vectors that come back."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import msgspec

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Embedding, EmbedEvent, Finish
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.unreadable import UNREADABLE
from breeze.contracts.values import Usage
from breeze.runners._http_json import encoded
from breeze.runners._openai_server import Server

MOST_TEXTS = 2048
"""Texts that one call takes."""


class _Vector(msgspec.Struct):
    """One vector: base64 of little-endian float32 as asked for, or numbers all the same."""

    embedding: str | list[float]
    index: int | None = None


class _Used(msgspec.Struct):
    """Tokens read."""

    prompt_tokens: int | None = None


class _Vectors(msgspec.Struct):
    """The whole answer."""

    data: list[_Vector]
    usage: _Used | None = None
    model: str | None = None


async def vectors(request: EmbedRequest, model: str, server: Server) -> AsyncGenerator[EmbedEvent]:
    """The events of a request; more texts than one call takes are asked for in several."""
    form, used, name = server.parameters.vector_format, 0, ""
    told = False
    for first in range(0, len(request.texts), MOST_TEXTS):
        texts = request.texts[first : first + MOST_TEXTS]
        body = encoded(vectors_body(texts, model, request.dimensions, form), "texts")
        answer = await server.ask("/embeddings", body, "texts", whole=True)
        server.found(answer, answer.body(), "texts")  # an error is raised
        found = vectors_of(answer.body(), first, len(texts), answer.where)
        for event in found.events:
            yield event
        used, told = used + (found.tokens or 0), told or found.tokens is not None
        name = found.model or name
    if told:
        yield Usage(prompt_tokens=used)
    yield Finish(metadata={"model_name": name} if name else None)


def vectors_body(
    texts: tuple[str, ...], model: str, dimensions: int | None, form: str
) -> dict[str, Any]:
    """What to send."""
    body: dict[str, Any] = {"model": model, "input": texts}
    if form:
        body["encoding_format"] = form
    if dimensions is not None:
        body["dimensions"] = dimensions
    return body


class Found(NamedTuple):
    """Vectors in the order of their texts, the tokens read and the model where they are told."""

    events: list[Embedding]
    tokens: int | None
    model: str | None


def vectors_of(body: bytes, first: int, count: int, where: str) -> Found:
    """What an answer holds for `count` texts from number `first`. Raises ProcessingError."""
    try:
        found = msgspec.json.decode(body, type=_Vectors)
        # No index means: in the order of the texts.
        places = {i if v.index is None else v.index: v for i, v in enumerate(found.data)}
        events = [_event(first + i, places[i]) for i in range(count)]
    except (*UNREADABLE, ValueError, KeyError) as error:  # base64's errors are ValueErrors
        raise ProcessingError(
            f"{where} did not send a vector for each text ({type(error).__name__}: {error}).",
            detail="malformed",
        ) from error
    return Found(events, found.usage.prompt_tokens if found.usage else None, found.model)


def _event(index: int, found: _Vector) -> Embedding:
    if isinstance(found.embedding, str):
        packed = base64.b64decode(found.embedding, validate=True)
        if len(packed) % 4:
            raise ValueError(f"{len(packed)} bytes are no float32 numbers")
        return Embedding(index, packed)
    return Embedding.of(index, found.embedding)
