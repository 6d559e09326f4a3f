"""`breeze new-runner`: a package with a runner of its own, which works as it is written."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import click

from breeze.contracts.capability import Capability
from breeze.surfaces.cli._terminal import note
from breeze.surfaces.cli._words import CAPABILITY
from breeze.surfaces.cli.new_runner.package import Names, write_package

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@click.command("new-runner")
@click.argument("name")
@click.option(
    "--capability", type=CAPABILITY, default=Capability.LLM, show_default=True, help="What it does."
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    help="New folder for the package. Else breeze-NAME, here.",
)
def command(name: str, capability: Capability, directory: Path | None) -> None:
    """Write an installable package with a new runner in it.

    The runner works at once and passes its own test; put your model in its place. NAME is lower
    case letters, digits and _.
    """
    names = Names(_checked(name.replace("-", "_")))
    folder = directory or Path(names.distribution)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.UsageError(f"{folder} is not empty: choose another --directory.")
    for path in write_package(folder, names, capability):
        click.echo(str(path))
    note(f"Next: pip install -e {folder}; breeze check {names.runner}; breeze runners")


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise click.UsageError(
            f"{name!r} cannot name a runner: use lower case letters, digits and _."
        )
    if "mock" in name:
        raise click.UsageError("Only runners that pretend have 'mock' in their name.")
    from breeze.engine.registry import Registry

    if name in Registry().names:
        raise click.UsageError(f"There is a runner called {name!r} already: choose another name.")
    return name
