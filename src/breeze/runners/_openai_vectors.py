"""Embeddings: the request as JSON, and the vectors that come back."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Embedding, EmbedEvent, Finish
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.values import Usage


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


def vectors_body(request: EmbedRequest, model: str) -> dict[str, Any]:
    """What to send."""
    body: dict[str, Any] = {"model": model, "input": request.texts, "encoding_format": "base64"}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return body


def vectors_of(body: bytes, count: int, where: str) -> list[EmbedEvent]:
    """The events of an answer for `count` texts. Raises ProcessingError when it is none."""
    try:
        found = msgspec.json.decode(body, type=_Vectors)
        # No index means: in the order of the texts.
        places = {i if v.index is None else v.index: v for i, v in enumerate(found.data)}
        events: list[EmbedEvent] = [_event(i, places[i]) for i in range(count)]
    except (msgspec.DecodeError, ValueError, KeyError) as error:  # base64's errors are ValueErrors
        raise ProcessingError(
            f"{where} did not send a vector for each text ({type(error).__name__}: {error}).",
            detail="malformed",
        ) from error
    used = found.usage.prompt_tokens if found.usage is not None else None
    events += [Usage(prompt_tokens=used)] if used is not None else []
    return [*events, Finish(metadata={"model_name": found.model} if found.model else None)]


def _event(index: int, found: _Vector) -> Embedding:
    if isinstance(found.embedding, str):
        packed = base64.b64decode(found.embedding, validate=True)
        if len(packed) % 4:
            raise ValueError(f"{len(packed)} bytes are no float32 numbers")
        return Embedding(index, packed)
    return Embedding.of(index, found.embedding)
