"""POST /v1/rerank."""

from __future__ import annotations

from breeze.contracts.answers import Embeddings
from breeze.contracts.dialects.openai_reading import in_their_words, renamed
from breeze.contracts.dialects.rerank_json import rerank_from_json, rerank_json
from breeze.contracts.errors import RunnerError
from breeze.contracts.ranking import best_first, planned
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.openai._sse import BOOKKEEPING, set_aside
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Role, Route


async def rerank(call: Call) -> Answer:
    """The documents of the body by how well they answer its query, the best first."""
    body = await call.json()
    asked = rerank_from_json(body)
    aside = set_aside(body, ("user",), BOOKKEEPING)
    try:
        request, method = await planned(call.app.engine, asked.query, asked.texts, **asked.fields)
        answer, facts = await call.run(request)
    except RunnerError as error:
        raise renamed(error, asked.names) from error
    assert isinstance(answer, Embeddings)
    ranked = await best_first(answer, method)
    adjustments = (*aside, *in_their_words(answer.adjustments, asked.names))
    found = rerank_json(asked, answer, ranked, method, adjustments)
    return Reply.json(found, headers=facts.with_adjusted(aside).headers())


ROUTES = (
    Route(
        "POST", "/v1/rerank", Role.USE, rerank, "Order documents by how well they answer a query"
    ),
)
