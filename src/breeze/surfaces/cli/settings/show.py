"""`breeze settings show`: every value and its source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from breeze.contracts.capability import Capability
from breeze.contracts.redaction import shown
from breeze.surfaces.cli._options import Work, config_option, json_option
from breeze.surfaces.cli._run import opened, run
from breeze.surfaces.cli._table import show_lines, show_table
from breeze.surfaces.cli._terminal import note
from breeze.surfaces.cli.settings.names import instance_called

if TYPE_CHECKING:
    from breeze.config.resolve import Value
    from breeze.engine.engine import Engine
    from breeze.engine.instances import Instance

_COLUMNS = ("instance", "parameter", "value", "unit", "from", "where")
Line = dict[str, Any]


@click.command("show")
@click.argument("instance", default="")
@click.option("--changed", is_flag=True, help="Leave the defaults out.")
@config_option
@json_option
def show(instance: str, changed: bool, **work: object) -> None:
    """Show the value of every parameter, and which layer it comes from.

    INSTANCE shows only this one. Of a secret it is said whether it is set, never what it is.
    """
    options = Work(**work)  # type: ignore[arg-type]  # config and json, as declared above
    lines = run(_lines(options, instance), json=options.json)
    if changed:
        lines = [line for line in lines if line["from"] != "default"]
    if options.json:
        show_lines(lines)
    else:
        rows = [[line[column] for column in _COLUMNS] for line in lines]
        show_table(_COLUMNS, [[_text(cell) for cell in row] for row in rows])


async def _lines(work: Work, name: str) -> list[Line]:
    async with opened(work, Capability.LLM) as engine:
        chosen = [instance_called(name, engine)] if name else list(engine.instances.values())
        lines = [] if name else list(_selected(engine))
        for instance in chosen:
            lines += _parameters(instance, engine)
    return lines


def _selected(engine: Engine) -> Iterator[Line]:
    """The saved selections, as if they were parameters of their capability."""
    store = engine.layers.store
    for capability, instance in store.load().selected_runners.items():
        yield _line(capability, "selected", instance, "saved settings", str(store.home.settings))


def _parameters(instance: Instance, engine: Engine) -> Iterator[Line]:
    if instance.runner_type is None:
        note(f"{instance.name}: {instance.problem}")
        return
    ptype, entry = instance.runner_type.parameters_type, instance.entry.parameters
    for found in engine.layers.findings(instance.name, ptype, entry):
        note(f"{instance.name}.{found.field}: {found.message}")
    for name, value in engine.layers.explain(instance.name, ptype, entry).items():
        facts = ptype.facts[name]
        plain = _whether(value) if facts.secret else shown(_plain(value))
        yield _line(instance.name, name, plain, value.source, value.origin, facts.unit)


def _line(instance: str, name: str, value: Any, source: str, where: str, unit: str = "") -> Line:
    cells = (instance, name, value, unit if value not in (None, "") else "", str(source), where)
    return dict(zip(_COLUMNS, cells, strict=True))


def _whether(value: Value) -> str:
    """Of a secret only whether it is set, whatever somebody wrote in its place."""
    from pydantic import SecretStr

    found = value.value
    found = found.get_secret_value() if isinstance(found, SecretStr) else found
    return "set" if found else "not set"


def _plain(value: Value) -> Any:
    """The value as JSON has it."""
    if isinstance(value.value, str | int | float | bool | None):
        return value.value
    return list(value.value) if isinstance(value.value, tuple | list) else str(value.value)


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "on" if cell else "off"
    return (
        ", ".join(map(str, cell)) if isinstance(cell, list) else "" if cell is None else str(cell)
    )
