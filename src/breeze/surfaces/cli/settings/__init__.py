"""`breeze settings`: what is saved, what counts, and where each value comes from."""

from __future__ import annotations

import click

from breeze.surfaces.cli.settings.change import select, set_value, unset
from breeze.surfaces.cli.settings.show import show


@click.group("settings")
def command() -> None:
    """Show and change what is saved for every run.

    What counts, highest first: the request, the command line, the environment, saved settings,
    the configuration file, the default.
    """


for _command in (show, set_value, unset, select):
    command.add_command(_command)
