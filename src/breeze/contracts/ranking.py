"""Texts by how well they answer a query: by a model that ranks, else by how alike vectors are."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from operator import mul
from typing import Any, Literal, Protocol

import msgspec

from breeze.contracts.answers import Adjustment, Embeddings
from breeze.contracts.errors import InputError, ProcessingError
from breeze.contracts.events import Embedding
from breeze.contracts.request import AUTO
from breeze.contracts.requests import EmbedRequest
from breeze.contracts.runner import ModelInfo
from breeze.contracts.service import Decision
from breeze.contracts.values import Usage

Method = Literal["model", "cosine"]
"""`model`: it was made to rank. `cosine`: it makes vectors, and they are compared."""
_AT_ONCE = 65_536
"""Numbers of vectors that are compared within a few milliseconds."""


class Ranked(msgspec.Struct, frozen=True):
    """A text by its place among those that were given, and its score: the higher the better.

    The cosine of vectors is -1 to 1; what a model gives has no range of its own.
    """

    index: int
    score: float


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """All texts, the best first, and who judged them in which way."""

    ranked: tuple[Ranked, ...]
    method: Method
    runner: str = ""
    model: str = ""
    usage: Usage | None = None
    adjustments: tuple[Adjustment, ...] = ()


class Serving(Protocol):
    """An engine, or the client of a server."""

    async def explain(self, request: EmbedRequest, /) -> Decision: ...

    async def models(self) -> dict[str, tuple[ModelInfo, ...]]: ...


class Working(Serving, Protocol):
    """One that does the work too."""

    async def run(self, request: EmbedRequest, /) -> Embeddings: ...


async def rank(engine: Working, query: str, texts: Sequence[str], **fields: Any) -> Ranking:
    """The texts by how well they answer `query`; `fields` are those of a request.

    A model that was made to rank is asked if the fields name one, or if they name none and there
    is one; every other makes vectors. Raises RunnerError.
    """
    request, method = await planned(engine, query, texts, **fields)
    answer = await engine.run(request)
    return Ranking(
        ranked=await best_first(answer, method),
        method=method,
        runner=answer.runner,
        model=answer.model,
        usage=answer.usage,
        adjustments=answer.adjustments,
    )


async def planned(
    engine: Serving, query: str, texts: Sequence[str], **fields: Any
) -> tuple[EmbedRequest, Method]:
    """What to ask for the scores, and how they come out of the answer (`best_first`).

    The request's texts are those to rank; the query is its last text, or a parameter.
    """
    for field, given in (("query", (query,)), ("texts", texts)):
        if not given or not all(text.strip() for text in given):
            raise InputError(f"{field}: is empty: give some text.", field=field)
    request = EmbedRequest((*texts, query), **fields)
    if "query" in request.params:
        raise InputError("params.query: is the query itself: leave it out.", field="params.query")
    ranker = await _ranker(engine, request)
    if ranker is None:
        return request, "cosine"
    runner, model = ranker
    return msgspec.structs.replace(
        request,
        texts=tuple(texts),
        runner=runner,
        model=model,
        strict=True,  # another model's numbers would mean something else
        params={**request.params, "query": query},
    ), "model"


async def _ranker(engine: Serving, request: EmbedRequest) -> tuple[str, str] | None:
    """The runner and its model that ranks, of those that may be asked; None when none does."""
    models = await engine.models()
    if request.model == AUTO:
        names = [name for name in models if request.runner in ("", name)]
        found = ((name, known.id) for name in names for known in models[name] if _ranks(known))
        return next(found, None)
    order = (await engine.explain(request)).order
    if not order:
        return None
    name, model = order[0].name, order[0].model
    ranks = any(known.id == model and _ranks(known) for known in models.get(name, ()))
    return (name, model) if ranks else None


def _ranks(known: ModelInfo) -> bool:
    return known.metadata.get("ranks") is True


async def best_first(answer: Embeddings, method: Method) -> tuple[Ranked, ...]:
    """The texts of `planned`'s request by their scores; equal ones stay in their order."""
    vectors = answer.vectors if method == "model" else answer.vectors[:-1]
    query = [] if method == "model" else Embedding(0, answer.vectors[-1]).values
    found, portion = [], max(1, _AT_ONCE // max(1, len(query)))
    for index, packed in enumerate(vectors):
        values = Embedding(index, packed).values
        if method == "model" and len(values) != 1:
            raise ProcessingError(f"{answer.model} gave {len(values)} numbers instead of a score.")
        found.append(Ranked(index, values[0] if method == "model" else cosine(values, query)))
        if index % portion == portion - 1:
            await asyncio.sleep(0)  # others have their turn
    return tuple(sorted(found, key=lambda one: -one.score))


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two vectors are, -1 to 1; 0 when one has no length."""
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(map(mul, one, other)) / lengths if lengths else 0.0
