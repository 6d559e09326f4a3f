"""Judging texts by the server's shields, where it has any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breeze.contracts.errors import CapabilityError, NotFoundError, ProcessingError
from breeze.contracts.events import Adjusted, Finding, ModerateEvent, Verdict
from breeze.contracts.events import SafetyStatus as Status
from breeze.contracts.requests import ModerateRequest
from breeze.runners._http_json import finite
from breeze.runners._llama_stack_server import Server
from breeze.runners._only_model import ANY

_MODERATIONS, _SHIELD = "/v1/moderations", "/v1/safety/run-shield"
_LEVELS: dict[str, Status] = {"info": "SAFE", "warn": "WARNING", "error": "BLOCKED"}


async def verdict_of(server: Server, request: ModerateRequest) -> tuple[Verdict, str]:
    """The server's judgement, and who gave it. Raises CapabilityError when it has nobody."""
    offer = server.offer
    wanted = "" if request.model in ANY else request.model
    if offer.has(_MODERATIONS):
        model = await _shield(server, wanted, "provider_resource_id")
        asked = {"model": model, "input": request.whole_text}
        return _moderated(await server.json("POST", _MODERATIONS, asked, field="text")), model
    if offer.has(_SHIELD):
        shield = await _shield(server, wanted, "identifier")
        body: dict[str, Any] = {
            "shield_id": shield,
            "messages": [{"role": "user", "content": request.whole_text}],
            "params": {},
        }
        return _shielded(await server.json("POST", _SHIELD, body, field="text")), shield
    raise CapabilityError(
        f"{server.http.target.authority} (version {offer.version or 'unknown'}) has neither "
        "moderations nor shields: OGX has none any more. Choose another guardian.",
    )


async def shields(server: Server) -> list[Mapping[str, Any]]:
    """The shields that the server lists."""
    if not (server.offer.has(_SHIELD) or server.offer.has(_MODERATIONS)):
        return []
    said = await server.json("GET", "/v1/shields", field="guardian_model")
    listed = said.get("data") if isinstance(said, dict) else None
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


async def _shield(server: Server, wanted: str, key: str) -> str:
    """What a shield is called under `key`: the one wanted, the operator's, or the first listed.

    What is wanted may be a model that only the other work of this instance is for.
    """
    listed, usual = await shields(server), server.parameters.guardian_model
    for name in filter(None, (wanted, usual)):
        for one in listed:
            if name in (one.get("identifier"), one.get("provider_resource_id")):
                return str(one.get(key) or one.get("identifier"))
    if usual:
        return usual
    if listed:
        return str(listed[0].get(key) or listed[0].get("identifier"))
    raise NotFoundError(
        f"{server.http.target.authority} has no shield: register one there, or choose another "
        "guardian.",
        field="guardian_model",
    )


def _moderated(said: Any) -> Verdict:
    results = said.get("results") if isinstance(said, dict) else None
    if not isinstance(results, list) or not results or not isinstance(results[0], dict):
        raise ProcessingError("The server sent no moderation.", detail="malformed")
    found = results[0]
    flags, scores = _object(found.get("categories")), _object(found.get("category_scores"))
    names = tuple(name for name, flag in flags.items() if flag)
    if not found.get("flagged"):
        return Verdict("SAFE", max(map(_number, scores.values()), default=0.0))
    findings = tuple(Finding(name, _number(scores.get(name, 1.0))) for name in names)
    risk = max((f.score for f in findings), default=1.0)
    return Verdict("BLOCKED", risk or 1.0, names, "BLOCK", findings=findings)


def _shielded(said: Any) -> Verdict:
    if not isinstance(said, dict) or "violation" not in said:
        raise ProcessingError("The server sent no judgement.", detail="malformed")
    found = _object(said["violation"])
    status = _LEVELS.get(str(found.get("violation_level")), "BLOCKED") if found else "SAFE"
    if status == "SAFE":
        return Verdict("SAFE", 0.0)
    facts = _object(found.get("metadata"))
    kind = str(facts.get("violation_type") or "unsafe")
    risk = 1.0 if status == "BLOCKED" else 0.5
    return Verdict(
        status, risk, (kind,), "BLOCK" if status == "BLOCKED" else "REVIEW",
        findings=(Finding(kind, risk),),
    )  # fmt: skip


def judged(request: ModerateRequest) -> list[ModerateEvent]:
    """What of a request a shield cannot be told."""
    why = "the server's shield is set up there"
    notes: list[ModerateEvent] = []
    if request.strictness != "medium":
        notes.append(Adjusted("strictness", request.strictness, "medium", why))
    if request.categories:
        notes.append(Adjusted("categories", list(request.categories), [], why))
    return notes


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float:
    return min(1.0, max(0.0, finite(value) or 0.0))
