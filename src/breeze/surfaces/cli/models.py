"""`breeze models`: what each runner serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from breeze.contracts.capability import Capability
from breeze.surfaces.cli._options import Work, looking_options
from breeze.surfaces.cli._run import run, service
from breeze.surfaces.cli._table import show_lines, show_table

if TYPE_CHECKING:
    from breeze.contracts.runner import ModelInfo

_LISTED = 16
"""Languages that a table names; --json names all."""
_COLUMNS = ("model", "does", "context", "size", "languages", "licence", "description")
_UNITS = ("B", "kB", "MB", "GB", "TB")


@click.command("models")
@looking_options
def command(work: Work) -> None:
    """List the models that can be asked for, as INSTANCE/MODEL."""
    found = run(_models(work), json=work.json)
    if work.json:
        show_lines([{"instance": name, **msgspec.to_builtins(model)} for name, model in found])
    else:
        show_table(_COLUMNS, [_row(name, model) for name, model in found])


async def _models(work: Work) -> list[tuple[str, ModelInfo]]:
    async with service(work, Capability.LLM) as asked:
        served = await asked.models()
    return [(name, model) for name, models in served.items() for model in models]


def _row(instance: str, model: ModelInfo) -> tuple[object, ...]:
    context = f"{model.context} tokens" if model.context else ""
    return (
        f"{instance}/{model.id}", ", ".join(model.capabilities), context, _size(model.size),
        _several(model.languages), model.licence, model.description,
    )  # fmt: skip


def _size(size: float) -> str:
    """Bytes in the unit that keeps the number short; empty for 0, which is unknown."""
    if not size:
        return ""
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} {_UNITS[-1]}"


def _several(names: tuple[str, ...]) -> str:
    """The names, or how many there are when they would not fit a table."""
    return ", ".join(names) if len(names) <= _LISTED else f"{len(names)} languages"
