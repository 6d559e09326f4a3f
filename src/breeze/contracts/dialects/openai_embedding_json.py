"""OpenAI's embeddings. Vectors leave as they are: packed float32 in base64, or as numbers."""

from __future__ import annotations

import sys
from array import array
from typing import Any, Literal

import msgspec

from breeze.contracts.answers import Adjustment, Embeddings
from breeze.contracts.dialects.openai_answer import ours_json
from breeze.contracts.dialects.openai_json import BreezeJson
from breeze.contracts.dialects.openai_message_json import Strict
from breeze.contracts.errors import InputError
from breeze.contracts.request import AUTO
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.strict import read_strict

MOST_INPUTS = 2048
NAMES = {"texts": "input"}
"""Our names of fields that have another one here."""


class EmbeddingBody(Strict):
    """A request. `input` is looked at by hand, because each wrong form has its own remedy."""

    input: Any
    model: str = AUTO
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None
    breeze: BreezeJson | None = None


class EmbeddingJson(msgspec.Struct):
    """One vector; bytes become base64 when they are written."""

    object: Literal["embedding"]
    index: int
    embedding: bytes | list[float]


def embed_from_json(body: dict[str, Any]) -> tuple[EmbedRequest, bool]:
    """The request, and whether the vectors are wanted as numbers. Raises InputError."""
    asked = read_strict(body, EmbeddingBody)
    ours = msgspec.structs.asdict(asked.breeze) if asked.breeze is not None else {}
    request = EmbedRequest(
        _texts(asked.input), model=asked.model, dimensions=asked.dimensions, **ours
    )
    return request, asked.encoding_format != "base64"


def _texts(given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        if not given:
            raise InputError("input: is empty: give some text.", field="input")
        return (given,)
    if not isinstance(given, list) or not given:
        raise InputError("input: must be a text or a list of texts.", field="input")
    if len(given) > MOST_INPUTS:
        raise InputError(
            f"input: {len(given)} texts, at most {MOST_INPUTS} fit in one request.", field="input"
        )
    if isinstance(given[0], int | list):
        raise InputError(
            "input: token ids mean something to one model only, and are not taken: send text.",
            field="input",
        )
    for i, text in enumerate(given):
        if not isinstance(text, str) or not text:
            what = "is empty: give some text" if text == "" else "must be a text"
            raise InputError(f"input[{i}]: {what}.", field=f"input[{i}]")
    return tuple(given)


def vectors_json(
    vectors: tuple[bytes, ...], *, first: int = 0, numbers: bool
) -> list[EmbeddingJson]:
    """The entries of `vectors`, numbered from `first`."""
    return [
        EmbeddingJson("embedding", i, _numbers(vector) if numbers else vector)
        for i, vector in enumerate(vectors, first)
    ]


def embeddings_json(
    answer: Embeddings, adjustments: tuple[Adjustment, ...], data: list[EmbeddingJson] | msgspec.Raw
) -> dict[str, Any]:
    """The whole answer. `data`: the entries, or their list as JSON."""
    tokens = answer.usage.prompt_tokens if answer.usage is not None else 0
    found = {
        "object": "list",
        "data": data,
        "model": answer.model or answer.runner,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    if adjustments:
        found["breeze"] = ours_json(adjustments)
    return found


def _numbers(vector: bytes) -> list[float]:
    unpacked = array("f", vector)
    if sys.byteorder == "big":
        unpacked.byteswap()
    return unpacked.tolist()
