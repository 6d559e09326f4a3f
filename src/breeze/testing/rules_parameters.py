"""Rules on how parameters are declared and validated, without running anything."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from breeze.contracts.fields import Facts
from breeze.contracts.parameters import Parameters
from breeze.testing.alternatives import beyond, misfits
from breeze.testing.bench import Bench
from breeze.testing.rule import Failed, NotApplicable, Rule


def declared(bench: Bench) -> dict[str, Facts]:
    """The facts of every parameter. Raises NotApplicable when there are none."""
    if not bench.runner_type.parameters_type.facts:
        raise NotApplicable("it has no parameters")
    return bench.runner_type.parameters_type.facts


async def _declared(bench: Bench) -> None:
    for name, facts in declared(bench).items():
        if why := _misdeclared(bench.runner_type, facts):
            raise Failed(f"{name} {why}")


def _misdeclared(runner_type: type[Any], facts: Facts) -> str:
    field = runner_type.parameters_type.model_fields[facts.name]
    if not facts.description.strip() or not facts.title.strip():
        return "has no title or description"
    if facts.secret != (field.annotation is SecretStr):
        return "holds a secret but is no SecretStr, or the other way round"
    if facts.secret and facts.per_request:
        return "is a secret that a request may override"
    if facts.per_request and facts.requires_reload:
        return "may be set per request but needs a reload"
    if facts.kind == "choice" and not facts.choices and not facts.load:
        return "is a choice of nothing"
    if facts.load and not hasattr(runner_type, facts.load):
        return f"loads its choices from {facts.load}, which the runner does not have"
    return ""


async def _defaults(bench: Bench) -> None:
    declared(bench)
    kind = bench.runner_type.parameters_type
    for name, facts in kind.facts.items():
        if facts.required or facts.secret or facts.default is None:
            continue
        for found in kind.validate_parameters({**bench.values, name: facts.default}).errors:
            if found.field == name:
                raise Failed(f"the default of {name} is invalid: {found.message}")
    if errors := kind.validate_parameters(bench.values).errors:
        raise Failed(f"the given {errors[0].field} is invalid: {errors[0].message}")


async def _ranges(bench: Bench) -> None:
    tried = 0
    for name, facts in declared(bench).items():
        for value in beyond(facts):
            tried += 1
            _expect_invalid(bench, name, value)
    if not tried:
        raise NotApplicable("no parameter declares a limit")


async def _types(bench: Bench) -> None:
    for name, facts in declared(bench).items():
        for value in misfits(facts):
            _expect_invalid(bench, name, value)


async def _unknown(bench: Bench) -> None:
    _expect_invalid(bench, "no_such_parameter", 1)


def _expect_invalid(bench: Bench, name: str, value: Any) -> None:
    kind: type[Parameters] = bench.runner_type.parameters_type
    try:
        checked = kind.validate_parameters({**bench.values, name: value})
    except Exception as error:  # whatever it raises breaks the rule
        raise Failed(f"{name}={value!r}: validation raised {type(error).__name__}") from error
    found = [finding for finding in checked.errors if finding.field == name]
    if not found:
        raise Failed(f"{name}={value!r} was not found invalid")
    if not found[0].message.strip():
        raise Failed(f"{name}={value!r} was refused without a word")


RULES = (
    Rule("parameters.declared", "every parameter is described and makes sense", _declared),
    Rule("parameters.defaults", "defaults are valid", _defaults),
    Rule("parameters.ranges", "values beyond the declared limits are refused", _ranges),
    Rule("parameters.types", "values of another type are refused, without an exception", _types),
    Rule("parameters.unknown", "unknown names are refused", _unknown),
)
