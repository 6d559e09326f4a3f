"""Parameters of runners that a client sets in `additionalSettings`, and which of them it may."""

from __future__ import annotations

from typing import Any, NamedTuple

from breeze.contracts.errors import InputError
from breeze.contracts.router import RunnerType, SettingKey
from breeze.engine.engine import Engine
from breeze.engine.instances import Instance
from breeze.service.router_notes import Notes
from breeze.service.router_runners import by_name, of_type
from breeze.service.router_values import MOST_ENTRIES

HIDDEN = "***"
"""Stands for a value that may be a secret, or tells of the machine."""


class RunnerSetting(NamedTuple):
    """A parameter for one instance, as a client set it."""

    instance: str
    name: str
    value: Any


def read_runner_setting(key: str, value: str, engine: Engine, notes: Notes) -> list[RunnerSetting]:
    """`runner_config_<runner>` = `a=1;b=2`, or `runner_config_<runner>_<parameter>` = `1`."""
    field = f"additionalSettings.{key[:128]}"
    rest = key.removeprefix(SettingKey.RUNNER_CONFIG_PREFIX)
    found = _runner_in(rest, engine)
    if found is None:
        notes.adjust(field, HIDDEN, None, f"no runner here is called {rest[:64]!r}")
        return []
    instance, parameter = found
    given = {parameter: value} if parameter else _pairs(value)
    if not 0 < len(given) <= MOST_ENTRIES:
        notes.problem(field, "must look like name=value; further pairs after a semicolon")
        return []
    return [
        RunnerSetting(instance.name, name, text)
        for name, text in given.items()
        if _may_set(instance, name, text, field, notes)
    ]


def read_model_path(key: str, value: str, notes: Notes) -> None:
    """`model_path_<task>`: a client may not point a runner at files of the machine."""
    why = "files are the operator's: set the runner's model in the configuration of the engine"
    notes.adjust(f"additionalSettings.{key[:128]}", HIDDEN, None, why)


def params_for(instance: str, settings: tuple[RunnerSetting, ...]) -> dict[str, Any]:
    """The parameters that were set for an instance."""
    return {s.name: s.value for s in settings if s.instance == instance}


def _pairs(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.replace(",", ";").split(";"))
    return {name.strip(): value.strip() for name, is_, value in pairs if is_ and name.strip()}


def _runner_in(rest: str, engine: Engine) -> tuple[Instance, str] | None:
    """The runner that `rest` begins with, and the parameter after it; the longest name wins."""
    names = [*engine.instances, *(i.runner for i in engine.instances.values())]
    for name in sorted(set(names), key=len, reverse=True):
        if rest == name or rest.startswith(f"{name}_"):
            instance = by_name(engine, name)
            return (instance, rest[len(name) + 1 :]) if instance else None
    for kind in RunnerType:
        name = kind.lower()
        if rest == name or rest.startswith(f"{name}_"):
            instance = of_type(engine, kind)
            return (instance, rest[len(name) + 1 :]) if instance else None
    return None


def _may_set(instance: Instance, name: str, value: str, field: str, notes: Notes) -> bool:
    """Whether the runner has such a parameter, a caller may set it, and the value is good."""
    parameters = instance.parameters
    facts = {} if parameters is None else parameters.facts
    if name not in facts:
        notes.unknown(f"{field}.{name[:64]}", HIDDEN, name[:64], facts)
        return False
    if not facts[name].per_request:
        notes.adjust(f"{field}.{name}", HIDDEN, None, "can only be set by the operator")
        return False
    try:
        assert parameters is not None
        parameters.for_request({name: value})
    except InputError as error:
        if name in error.data["fields"]:  # else something that the operator left out is missing
            notes.problem(f"{field}.{name}", error.data["fields"][name])
            return False
    return True
