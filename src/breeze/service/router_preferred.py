"""`Configuration.preferredRuntime`: the part of the machine that a client wants to compute.

It counts among those who may answer at all. Nobody there who can: the engine's choice stands, as
the client was told when it set its configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from breeze.contracts.answers import Adjustment
from breeze.contracts.capability import Backend, Capability
from breeze.contracts.request import Request
from breeze.contracts.router import RuntimeBackend
from breeze.engine.engine import Engine
from breeze.engine.instances import Instance
from breeze.service.router_params import params_for
from breeze.service.router_runners import able, backends_of, has

if TYPE_CHECKING:
    from breeze.service.router_mapping import Draft
    from breeze.service.router_plan import Plan

FIELD = "preferredRuntime"


async def preferred(request: Request[Any], draft: Draft, engine: Engine) -> Request[Any]:
    """`request`, for a runner that works where its client wants it to.

    Among those that the request names, if it names any. Raises what `Engine.explain` raises.
    """
    backend = draft.preferences.configuration.preferred_runtime
    if backend is RuntimeBackend.AUTO:
        return request
    order = (await engine.explain(request)).order
    named = [choice for choice in order if choice.named]
    choices = [engine.instances[choice.name] for choice in named or order]
    found = next((i for i in choices if _works_on(engine, i, backend)), None)
    if found is None:
        if named and nobody_on(engine, backend, (request.needs,)) is None:
            why = _why(engine, backend, choices, (request.needs,), named=True)
            draft.notes.adjust(FIELD, backend, RuntimeBackend.AUTO, why)
        return request
    moved = {} if _usual(engine, found, backend) else _movable(engine, found, backend)
    if found.name == order[0].name and not moved:
        return request
    own = request.params or params_for(found.name, draft.preferences.settings)
    return msgspec.structs.replace(request, runner=found.name, params={**moved, **own})


def nobody_on(
    engine: Engine, backend: RuntimeBackend, capabilities: Sequence[Capability]
) -> str | None:
    """What to tell a client that wants `backend` when some of this work cannot be done there."""
    able_here = [i for i in able(engine) if not i.mock]
    there = {c for i in able_here if _works_on(engine, i, backend) for c in i.capabilities}
    unmet = [c for c in capabilities if c not in there]
    return _why(engine, backend, able_here, unmet, named=False) if unmet else None


def elsewhere(
    engine: Engine, plan: Plan, told: Sequence[Adjustment], runner: str, ran: object
) -> list[Adjustment]:
    """What an answer adds that was not made where its client wanted, although somebody can.

    `told`: what it says already.
    """
    wanted = plan.preferred
    if wanted in (RuntimeBackend.AUTO, ran) or any(one.field == FIELD for one in told):
        return []
    if nobody_on(engine, wanted, (plan.request.needs,)) is not None:
        return []
    where = f"worked on the {ran}" if ran else "is a service elsewhere"
    return [Adjustment(FIELD, wanted, ran, f"{runner} answered, which {where}")]


def _usual(engine: Engine, instance: Instance, backend: RuntimeBackend) -> bool:
    return backend in backends_of(instance, engine)[:1]


def _works_on(engine: Engine, instance: Instance, backend: RuntimeBackend) -> bool:
    if _usual(engine, instance, backend):
        return True
    if _moves(engine, instance, backend):
        return bool(_movable(engine, instance, backend))
    return backend in backends_of(instance, engine)


def _movable(engine: Engine, instance: Instance, backend: RuntimeBackend) -> dict[str, Any]:
    """The parameters with which a request takes the work there; empty when it cannot."""
    moves = _moves(engine, instance, backend)
    facts = {} if instance.parameters is None else instance.parameters.facts
    return moves if all(n in facts and facts[n].per_request for n in moves) else {}


def _moves(engine: Engine, instance: Instance, backend: RuntimeBackend) -> dict[str, Any]:
    """The parameters that take its work there; empty where this machine has no such part."""
    if instance.runner_type is None or not has(engine, backend):
        return {}
    return instance.runner_type.parameters_on(Backend(backend.value))


def _remedy(moves: dict[str, Any]) -> str:
    done = (f"leaves {n} out" if v is None else f"sets {n} to {v}" for n, v in moves.items())
    return " and ".join(done)


def _why(
    engine: Engine,
    backend: RuntimeBackend,
    instances: Sequence[Instance],
    needs: Sequence[Capability],
    *,
    named: bool,
) -> str:
    for instance in (i for i in instances if not set(needs).isdisjoint(i.capabilities)):
        if moves := _moves(engine, instance, backend):
            return f"{instance.name} works on the {backend} when its operator {_remedy(moves)}"
    if named and instances:
        places = " and ".join(f"on the {one}" for one in backends_of(instances[0], engine))
        return f"{instances[0].name} was asked for, which works {places or 'elsewhere'}"
    work = ", ".join(needs)
    if not has(engine, backend):
        seen = engine.hardware.look(backend).evidence
        return f"no runner works on the {backend} here for {work}: no {backend} ({seen})"
    return (
        f"no runner works on the {backend} here for {work}: what is installed was not built for it"
    )
