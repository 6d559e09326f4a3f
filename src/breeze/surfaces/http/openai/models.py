"""GET /v1/models and /v1/models/{id}: every name that a request may use as its model.

`auto`, each instance, `<instance>/<model>`, and the model alone where a real runner serves it.
Nothing is loaded for it, and no idle timer starts again.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from breeze.contracts.dialects.openai_model_json import ModelFacts, model_json
from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.request import AUTO, LONGEST_NAME
from breeze.contracts.runner import ModelInfo
from breeze.engine.engine import Engine
from breeze.engine.roster import RunnerStatus
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Role, Route

_OURS = "breeze"


async def models(call: Call) -> Answer:
    """All of them."""
    entries = await known(call.app.engine)
    return Reply.json({"object": "list", "data": list(entries.values())})


async def model(call: Call) -> Answer:
    """The one that the path names. Raises NotFoundError."""
    entries, wanted = await known(call.app.engine), call.found["id"]
    if len(wanted) > LONGEST_NAME:
        raise InputError(f"A model's name has at most {LONGEST_NAME} characters.", field="model")
    if wanted not in entries:
        near = get_close_matches(wanted, entries, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else "GET /v1/models lists them."
        raise NotFoundError(f"No model is called {wanted!r}. {hint}", field="model")
    return Reply.json(entries[wanted])


async def known(engine: Engine) -> dict[str, dict[str, Any]]:
    """Every entry by its name. What a name means first, it keeps: an instance before a model."""
    statuses = engine.runners()
    served = await engine.models()
    found = {AUTO: _auto(statuses)}
    for status in statuses:
        found.setdefault(status.name, _instance(engine, status, served.get(status.name, ())))
    for qualified in (True, False):
        for status in statuses:
            if _works(status) and (qualified or not status.mock):
                for info in _models_of(status, served.get(status.name, ())):
                    name = f"{status.name}/{info.id}" if qualified else info.id
                    found.setdefault(name, _model(engine, name, status, info))
    return found


def _works(status: RunnerStatus) -> bool:
    return not status.reason


def _models_of(status: RunnerStatus, served: tuple[ModelInfo, ...]) -> tuple[ModelInfo, ...]:
    """What it told, and the configured model when that was not among it."""
    if not status.model or any(info.id == status.model for info in served):
        return served
    return (ModelInfo(status.model), *served)


def _auto(statuses: list[RunnerStatus]) -> dict[str, Any]:
    able = [status for status in statuses if _works(status)]
    capabilities = tuple(dict.fromkeys(c for status in able for c in status.capabilities))
    facts = ModelFacts(
        capabilities=capabilities,
        available=bool(able),
        description="Whoever is chosen for each request",
    )
    return model_json(AUTO, facts, owner=_OURS)


def _instance(
    engine: Engine, status: RunnerStatus, served: tuple[ModelInfo, ...]
) -> dict[str, Any]:
    info = engine.instances[status.name].info
    context = next((model.context for model in served if model.id == status.model), 0)
    facts = _facts(status, status.capabilities, info.description if info is not None else "")
    return model_json(status.name, facts, owner=_owner(engine, status), context=context)


def _model(engine: Engine, name: str, status: RunnerStatus, info: ModelInfo) -> dict[str, Any]:
    facts = _facts(status, info.capabilities or status.capabilities, info.description)
    created = info.metadata.get("created")
    return model_json(
        name,
        facts,
        owner=_owner(engine, status),
        created=created if isinstance(created, int) else 0,
        context=info.context,
    )


def _facts(status: RunnerStatus, capabilities: tuple[Any, ...], about: str) -> ModelFacts:
    return ModelFacts(
        capabilities=capabilities,
        runner=status.runner,
        instance=status.name,
        kind=status.kind.value,
        mock=status.mock,
        available=_works(status),
        reason=status.reason,
        description=about,
    )


def _owner(engine: Engine, status: RunnerStatus) -> str:
    info = engine.instances[status.name].info
    return info.vendor if info is not None else _OURS


ROUTES = (
    Route("GET", "/v1/models", Role.USE, models, "Every name that a request may use as its model"),
    Route("GET", "/v1/models/{id:path}", Role.USE, model, "One of these names"),
)
