"""`breeze models`: what each runner serves, what is installed, and what is to be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from breeze.contracts.capability import Capability
from breeze.surfaces.cli import _models_change
from breeze.surfaces.cli._models_shelf import show_catalogue, show_here, show_installed
from breeze.surfaces.cli._options import Work, looking_options
from breeze.surfaces.cli._run import run, service
from breeze.surfaces.cli._table import show_lines, show_table
from breeze.surfaces.cli._units import size
from breeze.surfaces.cli.pull import resume

if TYPE_CHECKING:
    from breeze.contracts.runner import ModelInfo

_LISTED = 16
"""Languages that a table names; --json names all."""
_COLUMNS = ("model", "does", "context", "size", "languages", "licence", "description")


@click.group("models", invoke_without_command=True)
@click.option("--installed", is_flag=True, help="The models on this disk, and what they take.")
@click.option("--catalogue", is_flag=True, help="The models that `breeze pull ID` knows.")
@looking_options
def command(work: Work, installed: bool, catalogue: bool) -> None:
    """List the models that can be asked for, as INSTANCE/MODEL.

    Below them stands what was pulled or imported; the commands are about the files of those.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    if installed or catalogue:
        show = show_installed if installed else show_catalogue
        show(work)
        return
    found = run(_models(work), json=work.json)
    if work.json:
        show_lines([{"instance": name, **msgspec.to_builtins(model)} for name, model in found])
    else:
        show_table(_COLUMNS, [_row(name, model) for name, model in found])
        show_here(work)


for _one in (*_models_change.COMMANDS, resume):
    command.add_command(_one)


async def _models(work: Work) -> list[tuple[str, ModelInfo]]:
    async with service(work, Capability.LLM) as asked:
        served = await asked.models()
    return [(name, model) for name, models in served.items() for model in models]


def _row(instance: str, model: ModelInfo) -> tuple[object, ...]:
    context = f"{model.context} tokens" if model.context else ""
    return (
        f"{instance}/{model.id}", ", ".join(model.capabilities), context, size(model.size),
        _several(model.languages), model.licence, model.description,
    )  # fmt: skip


def _several(names: tuple[str, ...]) -> str:
    """The names, or how many there are when they would not fit a table."""
    return ", ".join(names) if len(names) <= _LISTED else f"{len(names)} languages"
