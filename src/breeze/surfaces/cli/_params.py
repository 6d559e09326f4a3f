"""`--param [INSTANCE.]NAME=VALUE`: which instance each one is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from breeze.contracts.errors import InputError

if TYPE_CHECKING:
    from breeze.contracts.capability import Capability
    from breeze.engine.instances import Instance

Overrides = dict[str, dict[str, Any]]


def overrides(
    params: Iterable[str], instances: Mapping[str, Instance], capability: Capability, runner: str
) -> Overrides:
    """The command line's values by instance. Raises InputError that names the nearest name."""
    found: Overrides = {}
    for param in params:
        key, equals, value = param.partition("=")
        if not equals:
            raise _refusal(f"{param!r} has no value: write [INSTANCE.]NAME=VALUE")
        target, _, name = key.rpartition(".")
        chosen = _named(target or runner, instances) or _able(instances, capability)
        for instance in _owners(name, chosen, target):
            found.setdefault(instance, {})[name] = value
    return found


def _named(name: str, instances: Mapping[str, Instance]) -> list[Instance]:
    """The instance called so, or all of that runner. Empty when no name is given."""
    if not name:
        return []
    if name in instances:
        return [instances[name]]
    found = [instance for instance in instances.values() if instance.runner == name]
    if not found:
        raise _refusal(f"no instance is called {name!r}; {_nearest(name, instances)}")
    return found


def _able(instances: Mapping[str, Instance], capability: Capability) -> list[Instance]:
    return [instance for instance in instances.values() if capability in instance.capabilities]


def _owners(name: str, chosen: list[Instance], target: str) -> list[str]:
    """Which of `chosen` have a parameter called `name`."""
    names = {instance.name: _declared(instance) for instance in chosen}
    owners = [instance for instance, known in names.items() if name in known]
    if not owners:
        known = sorted({each for declared in names.values() for each in declared})
        who = target or ", ".join(names) or "nobody here"
        raise _refusal(f"{who} has no parameter {name!r}; {_nearest(name, known)}")
    return owners


def _declared(instance: Instance) -> list[str]:
    return list(instance.runner_type.parameters_type.facts) if instance.runner_type else []


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names) or 'none'}"


def _refusal(text: str) -> InputError:
    return InputError(f"--param: {text}", field="param")
