"""The saved settings and every parameter that counts, as an operator may see them: no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from pydantic import SecretStr

from breeze.config.layers import Source, Value
from breeze.contracts.capability import Capability
from breeze.contracts.fields import Choice, Facts
from breeze.contracts.redaction import shown
from breeze.engine.engine import Engine
from breeze.engine.instances import Instance


class ParameterView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One parameter: what a form needs, its value, and the layer that the value comes from.

    A secret has no value here; `set` says whether there is one.
    """

    name: str
    kind: str
    title: str
    description: str = ""
    category: str = "General"
    value: Any = None
    set: bool = False
    source: Source = Source.DEFAULT
    default: Any = None
    required: bool = False
    low: float | None = None
    high: float | None = None
    step: float | None = None
    precision: int | None = None
    unit: str = ""
    choices: tuple[Choice, ...] = ()
    multiple: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    extensions: tuple[str, ...] = ()
    directory: bool = False
    per_request: bool = False
    requires_reload: bool = False


class InstanceView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A runner and its parameters. `problem`: why it cannot work as it is set."""

    runner: str
    capabilities: tuple[Capability, ...]
    problem: str = ""
    parameters: tuple[ParameterView, ...] = ()


class SettingsView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be changed, by instance."""

    selected_runners: dict[str, str]
    guardian_config: dict[str, Any]
    instances: dict[str, InstanceView]


_SAME = frozenset(ParameterView.__struct_fields__) & frozenset(Facts.__dataclass_fields__)


def settings_view(engine: Engine) -> SettingsView:
    """What is set now. Raises InputError when a file cannot be read."""
    saved = engine.layers.store.load()
    return SettingsView(
        selected_runners={str(task): name for task, name in saved.selected_runners.items()},
        guardian_config=saved.guardian_config,
        instances={name: _instance(engine, i) for name, i in dict(engine.instances).items()},
    )


def _instance(engine: Engine, instance: Instance) -> InstanceView:
    views: tuple[ParameterView, ...] = ()
    if instance.runner_type is not None:
        ptype = instance.runner_type.parameters_type
        values = engine.layers.explain(instance.name, ptype, instance.entry.parameters)
        views = tuple(_parameter(ptype.facts[name], value) for name, value in values.items())
    return InstanceView(
        runner=instance.runner,
        capabilities=instance.capabilities,
        problem=instance.problem or "",
        parameters=views,
    )


def _parameter(facts: Facts, value: Value) -> ParameterView:
    known = {name: getattr(facts, name) for name in _SAME}
    known["default"] = None if facts.secret else plain(facts.default)
    is_set = _text(value.value) not in (None, "")
    seen = None if facts.secret else shown(plain(value.value))
    return ParameterView(value=seen, set=is_set, source=value.source, **known)


def plain(value: Any) -> Any:
    """`value` as JSON says it; what JSON cannot say, as text."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, SecretStr):
        return None
    return str(value) if isinstance(value, Path) else value


def _text(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
