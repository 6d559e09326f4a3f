"""POST /v1/embeddings."""

from __future__ import annotations

import asyncio

import msgspec

from breeze.contracts.answers import Embeddings
from breeze.contracts.dialects.openai_embedding_json import (
    NAMES,
    EmbeddingJson,
    embed_from_json,
    embeddings_json,
    vectors_json,
)
from breeze.contracts.dialects.openai_reading import in_their_words, renamed
from breeze.contracts.errors import RunnerError
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.openai._sse import BOOKKEEPING, set_aside
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Role, Route

_AT_ONCE = 262_144
"""Bytes of vectors that are written as numbers within a few milliseconds."""


async def embeddings(call: Call) -> Answer:
    """One vector for each text of the body, in its order."""
    body = await call.json()
    request, numbers = embed_from_json(body)
    aside = set_aside(body, ("user",), BOOKKEEPING)
    try:
        answer, facts = await call.run(request)
    except RunnerError as error:
        raise renamed(error, NAMES) from error
    assert isinstance(answer, Embeddings)
    adjustments = (*aside, *in_their_words(answer.adjustments, NAMES))
    found = embeddings_json(answer, adjustments, await _data(answer.vectors, numbers=numbers))
    return Reply.json(found, headers=facts.with_adjusted(aside).headers())


async def _data(vectors: tuple[bytes, ...], *, numbers: bool) -> list[EmbeddingJson] | msgspec.Raw:
    """The entries. Many numbers are written in portions, and others have their turn between."""
    portion = max(1, _AT_ONCE // len(vectors[0])) if vectors and vectors[0] else 1
    if not numbers or len(vectors) <= portion:
        return vectors_json(vectors, numbers=numbers)
    written = []
    for first in range(0, len(vectors), portion):
        entries = vectors_json(vectors[first : first + portion], first=first, numbers=True)
        written.append(msgspec.json.encode(entries)[1:-1])
        await asyncio.sleep(0)
    return msgspec.Raw(b"[%b]" % b",".join(written))


ROUTES = (Route("POST", "/v1/embeddings", Role.USE, embeddings, "Turn texts into vectors"),)
