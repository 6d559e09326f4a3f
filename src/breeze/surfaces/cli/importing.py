"""`breeze import`: models that another program keeps on this disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breeze.contracts.errors import RunnerError
from breeze.surfaces.cli._exit import FAILED
from breeze.surfaces.cli._options import json_option
from breeze.surfaces.cli._table import show_lines, show_table
from breeze.surfaces.cli._terminal import note
from breeze.surfaces.cli._units import size

if TYPE_CHECKING:
    from breeze.models.elsewhere.found import Found

_COLUMNS = ("model", "runner", "does", "size", "description", "here", "problem")


class _Program(click.ParamType[str]):
    """A program whose models can be found. They are listed when somebody asks."""

    name = "program"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        from breeze.models.elsewhere import programs

        known = programs()
        if value not in known:
            self.fail(f"{value!r} is none of {', '.join(known)}.", param, ctx)
        return str(value)

    def get_metavar(self, param: Any, ctx: Any = None) -> str:
        from breeze.models.elsewhere import programs

        return f"[{'|'.join(programs())}]"


@click.command("import")
@click.argument("program", type=_Program())
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--link", "linking", is_flag=True, help="Make them ours: all, or those named.")
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where that program keeps its models, if not where it usually does.",
)
@json_option
def command(
    program: str, models: tuple[str, ...], linking: bool, folder: Path | None, json: bool
) -> None:
    """List or take up models of other programs.

    Nothing is copied and nothing of the other program is changed: a link is a second name.
    """
    from breeze.models.elsewhere import find

    found = list(find(program, os.environ, folder))
    if unknown := set(models) - {model.id for model in found}:
        raise click.UsageError(f"{program} has no model {', '.join(sorted(unknown))} here.")
    chosen = [model for model in found if not models or model.id in models]
    if not found and not json:
        _tell_where(program, folder)
    elif linking:
        _link(chosen, named=bool(models))
    elif json:
        show_lines([_told(model) for model in chosen])
    else:
        _show(program, chosen)


def _tell_where(program: str, folder: Path | None) -> None:
    """Where no model was found."""
    from breeze.models.elsewhere import place

    asked = place(program)
    folders = (folder,) if folder else asked.folders(os.environ, Path.home())
    where = " or ".join(map(str, folders))
    note(f"no models of {asked.title} in {where}; --from DIR looks in another folder")


def _show(program: str, found: list[Found]) -> None:
    rows = [_told(model) for model in found]
    for row in rows:
        row["size"] = size(row["size"])
    show_table(_COLUMNS, [[row[column] for column in _COLUMNS] for row in rows])
    if any(not row["problem"] and not row["here"] for row in rows):
        note(f"take up all with: breeze import {program} --link")


def _told(model: Found) -> dict[str, Any]:
    """What is known of a model without loading it."""
    from breeze.models.linking import definition

    told: dict[str, Any] = {
        "model": model.id, "runner": "", "does": "", "description": model.description, "here": "",
        "size": sum(piece.path.stat().st_size for piece in model.pieces), "problem": "",
    }  # fmt: skip
    try:
        made = definition(model)
    except RunnerError as error:
        return told | {"problem": error.message}
    here = "yes" if model.id in _installed() else ""
    return told | {
        "runner": made.runner, "does": ", ".join(made.capabilities), "here": here,
        "description": made.description,
    }  # fmt: skip


def _installed() -> set[str]:
    from breeze.contracts.model_files import installed

    return {model.id for model in installed(_root())}


def _root() -> Path:
    from breeze.config.home import Home

    return Home.find(os.environ).models


def _link(found: list[Found], *, named: bool) -> None:
    """Take up `found`. What cannot be is told; it fails the command when a person named it."""
    from breeze.models.linking import link

    here, failed = _installed(), False
    for model in found:
        if model.id in here:
            note(f"here already: {model.id}")
            continue
        try:
            made = link(model, _root())
        except RunnerError as error:
            note(f"left out: {error.message}")
            failed = True
        else:
            note(f"linked: {model.id} for {made.definition.runner}")
    if failed and named:
        raise click.exceptions.Exit(FAILED)
