"""Rules on what parameters do: each has an effect, and a request moves only what it may."""

from __future__ import annotations

from typing import Any

from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.parameters import Parameters
from breeze.testing.alternatives import another, filler, variants
from breeze.testing.bench import AnyRunner, Bench
from breeze.testing.rule import Failed, NotApplicable, Rule
from breeze.testing.rules_parameters import declared
from breeze.testing.samples import renewed
from breeze.testing.tracking import Reads, tracked_parameters

_ENOUGH = 8
"""Events of a bare request, which sets no limit of its own."""


async def _exercise(bench: Bench, runner: AnyRunner, **params: Any) -> None:
    """Send each capability a bare request, and without `params` a short and a long one too."""
    for capability in await bench.answering():
        bare = renewed(bench.samples.bare(capability), params=params)
        await bench.drive(runner, bare, most=_ENOUGH, check=False)
        if not params:
            await bench.drive(runner, renewed(bench.samples.short(capability)), check=False)
            await bench.drive(runner, renewed(bench.samples.long(capability)), check=False)


async def _use(bench: Bench, kind: type[Parameters], reads: Reads, **values: Any) -> None:
    """Load, ask and list models with parameters of `kind`, noting what is read."""
    with reads.unseen():
        runner = bench.make(kind, **values)
    try:
        await runner.load(bench.model)
        await runner.models()
        await _exercise(bench, runner)
    except RunnerError:
        return  # settings that cannot work: what was read until then counts
    finally:
        await runner.unload()


async def _effect(bench: Bench) -> None:
    facts = declared(bench)
    bench.must_see()
    await bench.shared()
    kind, reads = tracked_parameters(bench.runner_type.parameters_type)
    await _use(bench, kind, reads)
    silent = {name for name, fact in facts.items() if not fact.informational}
    tried = 0
    for change in variants(kind, bench.values):
        if silent <= reads.values.keys() or tried >= bench.limits.variants:
            break
        if kind.validate_parameters({**bench.values, **change}).ok:
            tried += 1
            await _use(bench, kind, reads, **change)
    if unread := sorted(silent - reads.values.keys()):
        if not bench.is_whole:
            raise NotApplicable(f"what may read {', '.join(unread)} is left out")
        raise Failed(
            f"nothing reads {', '.join(unread)}: give it an effect, mark it informational=True, "
            "or remove it"
        )


async def _per_request(bench: Bench) -> None:
    open_to_all = [name for name, fact in declared(bench).items() if fact.per_request]
    if not open_to_all:
        raise NotApplicable("no parameter may be set per request")
    bench.must_see()
    await bench.shared()
    kind, reads = tracked_parameters(bench.runner_type.parameters_type)
    async with bench.loaded(kind) as runner:
        for name in open_to_all:
            await _override(bench, runner, kind, reads, name)


async def _override(
    bench: Bench, runner: AnyRunner, kind: type[Parameters], reads: Reads, name: str
) -> None:
    try:
        with reads.unseen():
            value = another(kind, name, bench.values)
    except LookupError:
        return  # no second valid value is known
    reads.values.clear()
    noted = len(bench.errors)
    await _exercise(bench, runner, **{name: value})
    for _, error in bench.errors[noted:]:
        if isinstance(error, InputError) and error.field.startswith("params"):
            raise Failed(f"a request may set {name}, but {value!r} was refused: {error.message}")
    seen = reads.values.get(name)
    if seen and value not in seen:
        raise Failed(f"a request set {name} to {value!r}, but the runner read {seen[-1]!r}")


async def _operator_only(bench: Bench) -> None:
    facts = bench.runner_type.parameters_type.facts
    closed: dict[str, Any] = {
        name: filler(fact, bench.values) for name, fact in facts.items() if not fact.per_request
    }
    closed["no_such_parameter"] = 1
    runner = await bench.shared()
    for name, value in closed.items():
        for capability in await bench.answering():
            sample = renewed(bench.samples.short(capability), params={name: value})
            run = await bench.drive(runner, sample, most=_ENOUGH)
            error = run.error
            if not isinstance(error, InputError) or not error.field.startswith("params"):
                raise Failed(
                    f"{capability.method}: a request set {name}, which is not its to set, and got "
                    f"{type(error).__name__ if error else 'an answer'}, not InputError at params"
                )


RULES = (
    Rule("parameters.effect", "something reads every parameter", _effect),
    Rule("parameters.per-request", "what a request may set reaches the work", _per_request),
    Rule("parameters.operator-only", "a request can set nothing else (E400)", _operator_only),
)
