"""Whom a request names: by its own options, else by what its client configured."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from breeze.contracts.errors import CapabilityError, NotFoundError
from breeze.contracts.request import AUTO, Request
from breeze.contracts.router import RunnerType
from breeze.engine.engine import Engine
from breeze.engine.instances import Instance
from breeze.service.router_mapping import Draft
from breeze.service.router_params import params_for
from breeze.service.router_preferred import preferred
from breeze.service.router_runners import TASKS, by_name, of_type, why_not


class Routed(NamedTuple):
    """A request that can be given to the engine, and which runner the client had in mind."""

    request: Request[Any]
    requested_runner: str


async def route(request: Request[Any], draft: Draft, engine: Engine, *, seed_order: bool) -> Routed:
    """`request` with its runner, model and parameters.

    The request's own runner counts, then the client's configuration, then the engine's choice;
    with `seed_order` the configuration is first. Raises NotFoundError for names nobody has.
    """
    own, configured = draft.options.runner, _configured(request, draft)
    asked = (configured or own) if seed_order else (own or configured)
    instance = _find(asked, request, draft, engine) if asked else None
    changes: dict[str, Any] = {"model": draft.options.model}
    if instance is not None and not _other_model(instance, asked == own, draft):
        changes["runner"] = instance.name
        changes["params"] = params_for(instance.name, draft.preferences.settings)
    elif instance is None and request.strict and asked in RunnerType.__members__:
        changes["runner"] = asked  # nobody is of that type, and the engine says so
    changes["model"] = await _model(request, changes, draft, engine)
    routed = await preferred(msgspec.structs.replace(request, **changes), draft, engine)
    if not routed.runner and draft.preferences.settings:
        routed = await _with_params(routed, draft, engine)
    return Routed(routed, asked)


def _configured(request: Request[Any], draft: Draft) -> str:
    """The runner type that the client set for this task; empty for DEFAULT."""
    task = TASKS.get(request.needs)
    wanted = draft.preferences.configuration.runner_configurations
    kind = wanted.get(task, RunnerType.DEFAULT) if task is not None else RunnerType.DEFAULT
    return "" if kind is RunnerType.DEFAULT else str(kind)


def _find(asked: str, request: Request[Any], draft: Draft, engine: Engine) -> Instance | None:
    if asked in RunnerType.__members__:
        kind = RunnerType(asked)
        found = of_type(engine, kind, request.needs)
        if found is None and kind is not RunnerType.DEFAULT:
            draft.notes.adjust("runner", asked, None, why_not(engine, kind, request.needs))
        return found
    instance = by_name(engine, asked)
    if instance is None:
        raise NotFoundError(
            f"No runner is called {asked[:64]!r}: see `breeze runners`, or leave it out.",
            field="options.runner",
        )
    return instance


def _other_model(instance: Instance, explicit: bool, draft: Draft) -> bool:
    """Whether the request's own model belongs to somebody else than a configured runner."""
    model = draft.options.model
    if explicit or model in (AUTO, instance.name) or model.startswith(f"{instance.name}/"):
        return False
    served = {known.id for known in instance.models or ()} | {instance.model}
    if model in served:
        return False
    draft.notes.adjust("runnerConfigurations", instance.name, None, f"{model[:64]} decides")
    return True


async def _model(
    request: Request[Any], changes: dict[str, Any], draft: Draft, engine: Engine
) -> str:
    """The request's own model, else the client's default where it fits this work, else `auto`."""
    default = draft.preferences.configuration.default_model_name
    if changes["model"] != AUTO or not default:
        return str(changes["model"])
    trial = msgspec.structs.replace(request, **{**changes, "model": default})
    try:
        decision = await engine.explain(trial)
    except (NotFoundError, CapabilityError):
        decision = None
    serves = decision is not None and any(choice.named for choice in decision.order)
    instance = engine.instances.get(changes.get("runner", ""))
    if serves and instance is not None:
        serves = default in {known.id for known in instance.models or ()} | {instance.model}
    if serves:
        return default
    why = f"no runner here serves it for {request.needs}"
    draft.notes.adjust("defaultModelName", default[:200], AUTO, why)
    return AUTO


async def _with_params(request: Request[Any], draft: Draft, engine: Engine) -> Request[Any]:
    """The parameters set for whoever the engine would choose; naming them keeps it the choice."""
    decision = await engine.explain(request)
    first = decision.order[0].name if decision.order else ""
    params = params_for(first, draft.preferences.settings)
    if not params:
        return request
    return msgspec.structs.replace(request, runner=first, params=params)
