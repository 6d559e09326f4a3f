"""Reranking as most services have it: a query and documents in, places and scores out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import msgspec

from breeze.contracts.answers import Adjustment, Embeddings
from breeze.contracts.dialects.openai_answer import ours_json
from breeze.contracts.dialects.openai_json import BreezeJson
from breeze.contracts.dialects.openai_message_json import Strict
from breeze.contracts.errors import InputError
from breeze.contracts.ranking import Method, Ranked
from breeze.contracts.request import AUTO
from breeze.contracts.strict import read_strict

MOST_DOCUMENTS = 2048


class RerankBody(Strict):
    """A request. `documents` are texts, or objects with a `text`; they may be mixed."""

    query: str
    documents: Any
    model: str = AUTO
    top_n: Annotated[int, msgspec.Meta(ge=1)] | None = None
    return_documents: bool | None = None
    user: str | None = None
    breeze: BreezeJson | None = None


class Rerank(NamedTuple):
    """What is asked. `fields`: of the request that is made of it; `top_n` None: all of them."""

    query: str
    texts: tuple[str, ...]
    top_n: int | None
    return_documents: bool
    fields: dict[str, Any]

    @property
    def names(self) -> dict[str, str]:
        """Our names of fields to those of the caller; the query is our last text."""
        query = f"texts[{len(self.texts)}]"
        return {"texts": "documents", query: "query", "params": "breeze.params"} | {
            "params.query": "query"
        }


def rerank_from_json(body: dict[str, Any]) -> Rerank:
    """What a body asks for. Raises InputError."""
    asked = read_strict(body, RerankBody)
    ours = msgspec.structs.asdict(asked.breeze) if asked.breeze is not None else {}
    if "query" in ours.get("params", {}):
        where = "breeze.params.query"
        raise InputError(f"{where}: is the query itself: leave it out.", field=where)
    if not asked.query.strip():
        raise InputError("query: is empty: give some text.", field="query")
    texts = _texts(asked.documents)
    fields = {"model": asked.model, **ours}
    return Rerank(asked.query, texts, asked.top_n, bool(asked.return_documents), fields)


def _texts(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not given:
        raise InputError("documents: must be a list of texts.", field="documents")
    if len(given) > MOST_DOCUMENTS:
        raise InputError(
            f"documents: {len(given)} of them, at most {MOST_DOCUMENTS} fit in one request.",
            field="documents",
        )
    return tuple(_text(one, f"documents[{index}]") for index, one in enumerate(given))


def _text(given: Any, field: str) -> str:
    text = given.get("text") if isinstance(given, dict) else given
    if not isinstance(text, str):
        raise InputError(f'{field}: must be a text, or an object with a "text".', field=field)
    if not text.strip():
        raise InputError(f"{field}: is empty: give some text.", field=field)
    return text


def rerank_json(
    asked: Rerank,
    answer: Embeddings,
    ranked: Sequence[Ranked],
    method: Method,
    adjustments: tuple[Adjustment, ...],
) -> dict[str, Any]:
    """The whole answer; `breeze.method` says in which way the scores were made."""
    tokens = answer.usage.prompt_tokens if answer.usage is not None else 0
    return {
        "object": "list",
        "model": answer.model or answer.runner,
        "results": [_result(one, asked) for one in ranked[: asked.top_n]],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "breeze": {"method": method, **ours_json(adjustments)},
    }


def _result(one: Ranked, asked: Rerank) -> dict[str, Any]:
    found: dict[str, Any] = {"index": one.index, "relevance_score": one.score}
    if asked.return_documents:
        found["document"] = {"text": asked.texts[one.index]}
    return found
