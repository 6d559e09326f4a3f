"""`breeze settings set`, `unset` and `select`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError
from breeze.contracts.request import AUTO
from breeze.surfaces.cli._options import Work, config_option, text_of
from breeze.surfaces.cli._run import opened, run
from breeze.surfaces.cli._terminal import is_terminal, note
from breeze.surfaces.cli._words import CAPABILITY
from breeze.surfaces.cli.settings.names import instance_called, parameters_of

if TYPE_CHECKING:
    from breeze.contracts.fields import Facts
    from breeze.engine.engine import Engine
    from breeze.engine.instances import Instance


@click.command("set", context_settings={"ignore_unknown_options": True})  # -1 is a value
@click.argument("instance")
@click.argument("name")
@click.argument("value", required=False)
@config_option
def set_value(instance: str, name: str, value: str | None, config: Path | None) -> None:
    """Save one parameter of INSTANCE.

    VALUE - is read from standard input. A secret without VALUE is asked for, so that it stays out
    of the shell's history; it is stored apart, readable by you only.
    """
    run(_set(Work(config=config), instance, name, value))


async def _set(work: Work, name: str, parameter: str, value: str | None) -> None:
    async with opened(work, Capability.LLM) as engine:
        instance = instance_called(name, engine)
        facts = _facts(instance, parameter)
        text = _asked_for(facts, name) if value is None else text_of(value)
        kept = text if facts.secret else _checked(instance, engine, parameter, text)
        engine.layers.store.set(name, parameter, kept, secret=facts.secret)
        shown = "set" if facts.secret else kept
        note(f"saved: {name}.{parameter} is {shown}")


def _facts(instance: Instance, parameter: str) -> Facts:
    from breeze.contracts.parameters import unknown_name

    known = parameters_of(instance).facts
    if parameter not in known:
        raise InputError(
            f"{instance.name}: parameter {unknown_name(parameter, known)}", field=parameter
        )
    return known[parameter]


def _asked_for(facts: Facts, instance: str) -> str:
    """A secret, from a prompt that does not show it, or from a pipe."""
    if not facts.secret:
        raise click.UsageError(f"Give a value: breeze settings set {instance} {facts.name} VALUE")
    if not is_terminal(sys.stdin):
        return text_of("-")
    return str(click.prompt(facts.title, hide_input=True, err=True))


def _checked(instance: Instance, engine: Engine, parameter: str, text: str) -> Any:
    """The value as its parameter understands it. Raises InputError when it does not."""
    ptype = parameters_of(instance)
    given = engine.layers.values(instance.name, ptype, instance.entry.parameters)
    value: Any = text
    if ptype.facts[parameter].multiple:
        value = tuple(part.strip() for part in text.split(",") if part.strip())
    checked = ptype.validate_parameters({**given, parameter: value})
    for found in checked.findings:
        if found.field == parameter and found.level == "invalid":
            raise InputError(f"{instance.name}.{parameter}: {found.message}.", field=parameter)
        if found.field == parameter and found.message:
            note(f"{instance.name}.{parameter}: {found.message}")
    made = getattr(checked.parameters, parameter, value)
    return list(made) if isinstance(made, tuple) else made


@click.command("unset")
@click.argument("instance")
@click.argument("name")
@config_option
def unset(instance: str, name: str, config: Path | None) -> None:
    """Forget a saved parameter of INSTANCE; the layer below it counts again."""
    run(_unset(Work(config=config), instance, name))


async def _unset(work: Work, instance: str, name: str) -> None:
    async with opened(work, Capability.LLM) as engine:
        forgotten = engine.layers.store.unset(instance, name)
    note(f"forgotten: {instance}.{name}" if forgotten else f"{instance}.{name} was not saved")


@click.command("select")
@click.argument("capability", type=CAPABILITY)
@click.argument("instance")
@config_option
def select(capability: Capability, instance: str, config: Path | None) -> None:
    """Make INSTANCE the first choice for CAPABILITY; `auto` forgets the choice."""
    run(_select(Work(config=config), capability, instance))


async def _select(work: Work, capability: Capability, name: str) -> None:
    async with opened(work, capability) as engine:
        if name == AUTO:
            engine.layers.store.select(capability, None)
            note(f"{capability}: Breeze selects")
            return
        instance = instance_called(name, engine)
        if capability not in instance.capabilities:
            able = ", ".join(instance.capabilities)
            raise InputError(f"{name} cannot do {capability}; it does {able}.", field="instance")
        engine.layers.store.select(capability, name)
        note(f"{capability}: {name} is asked first")
