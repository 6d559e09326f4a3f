"""Changing the saved settings from outside: everything is checked first, then saved, then used."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from breeze.config.destination import address_in
from breeze.config.settings import SettingsStore
from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError
from breeze.contracts.fields import Facts
from breeze.contracts.parameters import Parameters, Validation, ValidationResult, unknown_name
from breeze.engine.engine import Engine
from breeze.service.settings_view import plain


class SettingsPatch(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is to change; what is not named stays. Null forgets a choice or a value.

    `selected_runners`: by capability. `runner_parameters`: by instance and parameter, secrets
    among them as text.
    """

    selected_runners: dict[str, str | None] = {}
    runner_parameters: dict[str, dict[str, Any]] = {}


class _Value(NamedTuple):
    """A parameter to save, or to forget when `value` is None."""

    instance: str
    name: str
    value: Any
    secret: bool


async def change_settings(engine: Engine, patch: SettingsPatch) -> list[ValidationResult]:
    """Save `patch` and take it up. The warnings about it. Raises InputError with every finding."""
    findings: list[ValidationResult] = []
    selections = list(_selections(engine, patch, findings))
    values = [
        value
        for name, given in patch.runner_parameters.items()
        for value in _values(engine, name, given, findings)
    ]
    if wrong := [found for found in findings if found.level == "invalid"]:
        raise InputError(
            "; ".join(f"{found.field}: {found.message}" for found in wrong)
            + ". Nothing was saved.",
            field=wrong[0].field,
            data={"fields": {found.field: found.message for found in wrong}},
        )
    await asyncio.to_thread(_save, engine.layers.store, selections, values)
    await engine.refresh()
    return findings


def _save(
    store: SettingsStore, selections: list[tuple[Capability, str | None]], values: list[_Value]
) -> None:
    for capability, instance in selections:
        store.select(capability, instance)
    for value in values:
        if value.value is None:
            store.unset(value.instance, value.name)
        else:
            store.set(value.instance, value.name, value.value, secret=value.secret)


def _selections(
    engine: Engine, patch: SettingsPatch, findings: list[ValidationResult]
) -> Iterator[tuple[Capability, str | None]]:
    for name, instance in patch.selected_runners.items():
        path = f"selected_runners.{name}"
        if name not in Capability.__members__:
            text = unknown_name(name, Capability.__members__)
            findings.append(ValidationResult(path, "invalid", text))
            continue
        capability = Capability[name]
        if instance is not None and (problem := _unable(engine, capability, instance)):
            findings.append(ValidationResult(path, "invalid", problem))
            continue
        yield capability, instance


def _unable(engine: Engine, capability: Capability, name: str) -> str:
    instance = engine.instances.get(name)
    if instance is None:
        return unknown_name(name, engine.instances)
    if capability not in instance.capabilities:
        return f"{name} cannot do {capability}; it does {', '.join(instance.capabilities)}"
    return ""


def _values(
    engine: Engine, name: str, given: dict[str, Any], findings: list[ValidationResult]
) -> Iterator[_Value]:
    path = f"runner_parameters.{name}"
    instance = engine.instances.get(name)
    if instance is None or instance.runner_type is None:
        why = (instance and instance.problem) or unknown_name(name, engine.instances)
        findings.append(ValidationResult(path, "invalid", why))
        return
    ptype = instance.runner_type.parameters_type
    before = engine.layers.values(instance.name, ptype, instance.entry.parameters)
    checked = ptype.validate_parameters(
        {k: v for k, v in {**before, **given}.items() if v is not None}
    )
    astray = _keys_astray(ptype, before, given)
    for found in (*_blank_secrets(ptype, given), *astray, *checked.findings):
        if found.message and found.field in given:
            findings.append(ValidationResult(f"{path}.{found.field}", found.level, found.message))
    for parameter, value in given.items():
        if parameter in ptype.facts:
            facts = ptype.facts[parameter]
            yield _Value(name, parameter, _kept(facts, value, checked), facts.secret)


def _keys_astray(
    ptype: type[Parameters], before: dict[str, Any], given: dict[str, Any]
) -> Iterator[ValidationResult]:
    """A key travels only to the host it was saved for: another host needs it said again."""
    address = address_in(ptype.facts)
    if not address or address not in given:
        return
    default = ptype.facts[address].default
    old, new = (_host(values.get(address) or default) for values in (before, given))
    kept = [n for n, f in ptype.facts.items() if f.secret and before.get(n) and n not in given]
    if old != new and kept:
        text = f"leads to {new}, but {kept[0]} is for {old}: send it again too, or null to drop it"
        yield ValidationResult(address, "invalid", text)


def _host(address: object) -> str:
    try:
        return urlsplit(str(address)).netloc.lower().rpartition("@")[2]
    except ValueError:  # no address at all, which is found elsewhere
        return ""


def _blank_secrets(ptype: type[Parameters], given: dict[str, Any]) -> Iterator[ValidationResult]:
    for name, value in given.items():
        is_secret = name in ptype.facts and ptype.facts[name].secret and value is not None
        if is_secret and not (isinstance(value, str) and value.strip()):
            text = "must be a text that is not blank; null removes it"
            yield ValidationResult(name, "invalid", text)


def _kept(facts: Facts, value: Any, checked: Validation) -> Any:
    """The value as its parameter understands it."""
    if value is None or facts.secret:
        return value
    return plain(getattr(checked.parameters, facts.name, value))
