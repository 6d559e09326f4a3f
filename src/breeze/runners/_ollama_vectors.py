"""The vectors that come back for texts."""

from __future__ import annotations

import msgspec

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Adjusted, Embedding, EmbedEvent, Finish
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.unreadable import UNREADABLE
from breeze.contracts.values import Usage


class _Vectors(msgspec.Struct):
    """The whole answer."""

    embeddings: list[list[float]]
    model: str | None = None
    prompt_eval_count: int | None = None


def vectors_of(body: bytes, request: EmbedRequest, where: str) -> list[EmbedEvent]:
    """The events of an answer to `request`. Raises ProcessingError when it is none."""
    try:
        found = msgspec.json.decode(body, type=_Vectors)
    except UNREADABLE as error:
        raise _wrong(where, str(error)) from error
    vectors, texts = found.embeddings, request.texts
    if len(vectors) != len(texts) or not all(vectors):
        raise _wrong(where, f"{len(vectors)} for {len(texts)}")
    if len({len(vector) for vector in vectors}) > 1:
        raise _wrong(where, "they differ in length")
    events: list[EmbedEvent] = []
    used, asked = len(vectors[0]), request.dimensions
    if asked not in (None, used):
        why = "this model has vectors of this length only"
        events.append(Adjusted("dimensions", asked, used, why))
    events += (Embedding.of(i, vector) for i, vector in enumerate(vectors))
    if found.prompt_eval_count is not None:
        events.append(Usage(prompt_tokens=found.prompt_eval_count))
    return [*events, Finish(metadata={"model_name": found.model} if found.model else None)]


def _wrong(where: str, why: str) -> ProcessingError:
    return ProcessingError(f"{where} did not send a vector for each text ({why}).",
                           detail="malformed")  # fmt: skip
