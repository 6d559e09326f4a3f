"""Embeddings by batchEmbedContents: the requests, and the vectors that come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Embedding
from breeze.contracts.unreadable import UNREADABLE

LOT = 100
"""Texts of one request; the vendor takes no more."""


class _Vector(msgspec.Struct):
    """One vector."""

    values: list[float]


class _Used(msgspec.Struct, rename="camel"):
    """Tokens read."""

    prompt_token_count: int | None = None


class Vectors(msgspec.Struct, rename="camel"):
    """The whole answer."""

    embeddings: list[_Vector]
    usage_metadata: _Used | None = None

    @property
    def tokens(self) -> int | None:
        """Tokens read, where that is told."""
        return self.usage_metadata.prompt_token_count if self.usage_metadata else None


def vectors_body(texts: Sequence[str], model: str, size: int | None) -> dict[str, Any]:
    """What to send. `size`: how many dimensions to keep."""
    sized = {"outputDimensionality": size} if size is not None else {}
    return {
        "requests": [
            {"model": model, "content": {"role": "user", "parts": [{"text": text}]}, **sized}
            for text in texts
        ]
    }


def vectors_of(body: bytes, count: int, where: str) -> Vectors:
    """The answer for `count` texts. Raises ProcessingError when it is none."""
    try:
        found = msgspec.json.decode(body, type=Vectors)
    except UNREADABLE as error:
        raise _malformed(where, str(error)) from error
    if len(found.embeddings) != count:
        raise _malformed(where, f"{len(found.embeddings)} for {count}")
    return found


def events_of(found: Vectors, first: int) -> Iterator[Embedding]:
    """The vectors, numbered from `first`."""
    for index, vector in enumerate(found.embeddings, first):
        yield Embedding.of(index, vector.values)


def _malformed(where: str, what: str) -> ProcessingError:
    return ProcessingError(f"{where} did not send a vector for each text ({what}).",
                           detail="malformed")  # fmt: skip
