"""POST /v1/moderations: one verdict a text; the parts of a message have one together."""

from __future__ import annotations

from typing import Any

from breeze.contracts.answers import Adjustment, Moderation
from breeze.contracts.dialects.openai_answer import ours_json
from breeze.contracts.dialects.openai_moderation_json import (
    NAMES,
    moderate_from_json,
    result_json,
)
from breeze.contracts.dialects.openai_reading import in_their_words, renamed
from breeze.contracts.errors import CapabilityError, RunnerError
from breeze.contracts.requests import ModerateRequest
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.openai._many import merged, run_all
from breeze.surfaces.http.reply import Answer, Facts, Reply
from breeze.surfaces.http.routes import Role, Route


async def moderations(call: Call) -> Answer:
    """Verdicts in the order of the texts."""
    asked = moderate_from_json(await call.json())
    try:
        requests = [await call.resolved(request) for request in asked]
        answers = await run_all(call, requests)
    except RunnerError as error:
        raise renamed(error, NAMES) from error
    results: list[dict[str, Any]] = []
    adjustments: list[Adjustment] = []
    all_facts: list[Facts] = []
    for request, (verdict, facts) in zip(requests, answers, strict=True):
        assert isinstance(verdict, Moderation)
        _all_seen(verdict)
        results.append(result_json(verdict, _kinds(request)))
        adjustments += [one for one in verdict.adjustments if one not in adjustments]
        all_facts.append(facts)
    first = answers[0][0]
    found: dict[str, Any] = {
        "id": f"modr-{requests[0].id}",
        "model": first.model or first.runner,
        "results": results,
    }
    if adjustments:
        found["breeze"] = ours_json(in_their_words(tuple(adjustments), NAMES))
    return Reply.json(found, headers=merged(all_facts).headers())


def _kinds(request: ModerateRequest) -> list[str]:
    kinds = {"image" for message in request.messages if message.images}
    if request.text or not kinds or request.whole_text:
        kinds.add("text")
    return sorted(kinds, reverse=True)


def _all_seen(verdict: Moderation) -> None:
    """Raises CapabilityError when a part was left out: half a verdict looks like a whole one."""
    for left_out in in_their_words(verdict.adjustments, NAMES):
        if left_out.field.startswith("input["):
            raise CapabilityError(
                f"{left_out.field}: {verdict.runner} cannot judge this {left_out.asked}: "
                f"{left_out.why}. Leave it out, or name a runner that can.",
                field=left_out.field,
                runner=verdict.runner,
            )


ROUTES = (Route("POST", "/v1/moderations", Role.USE, moderations, "Judge texts"),)
