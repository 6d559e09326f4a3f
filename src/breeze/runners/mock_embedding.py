"""`mock_embedding`: vectors from the words themselves, so that like texts lie near each other."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncGenerator

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.events import Embedding, EmbedEvent
from breeze.contracts.fields import integer
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.runner import runner
from breeze.contracts.values import Usage
from breeze.runners._mock import MockParameters, MockRunner, finish, pause, pieces


class MockEmbeddingParameters(MockParameters):
    """What mock_embedding can be told."""

    dimensions: int = integer(
        256,
        "Numbers in each vector when the request does not say",
        low=8,
        high=4096,
        step=8,
        category="Content",
        per_request=True,
    )


@runner(
    "mock_embedding",
    vendor="Breeze",
    kind=RunnerKind.MOCK,
    priority=Priority.LOW,
    default_model="mock-embedding-v1",
    concurrency=64,
)
class MockEmbeddingRunner(MockRunner[MockEmbeddingParameters]):
    """Hashes words into unit vectors: equal texts are equal, unlike texts are far apart."""

    async def embed(self, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        model = self.model_for(request)
        p = self.parameters_for(request)
        with self.work.stream() as work:
            await self.begin(request, p)
            size = request.dimensions or p.dimensions
            for index, text in enumerate(request.texts):
                if index:
                    await pause(p.stream_chunk_delay_ms)
                work.steps += 1
                yield Embedding.of(index, vector(text, size, p.seed))
            yield Usage(prompt_tokens=sum(len(pieces(text)) for text in request.texts))
            yield finish(model_name=model)


def vector(text: str, size: int, seed: int) -> list[float]:
    """`size` numbers of length 1: each word adds or takes one at the place of its hash."""
    values = [0.0] * size
    for word in (piece.strip().casefold() for piece in ("", *pieces(text))):
        digest = hashlib.blake2b(word.encode(errors="replace"), key=b"%d" % seed).digest()
        place, sign = int.from_bytes(digest[:8], "big") % size, 1 if digest[8] & 1 else -1
        values[place] += sign
    length = math.sqrt(sum(value * value for value in values))
    if not length:  # every word was taken away by another one
        values[0] = length = 1.0
    return [value / length for value in values]
