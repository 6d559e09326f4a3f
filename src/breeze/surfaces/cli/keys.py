"""`breeze keys`: who may use a server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breeze.surfaces.cli._options import config_option, json_option
from breeze.surfaces.cli._table import show_lines, show_table
from breeze.surfaces.cli._terminal import note

if TYPE_CHECKING:
    from breeze.service.keys import KeyFile

_COLUMNS = ("name", "role", "id", "created", "where")


@click.group("keys")
def command() -> None:
    """Make, list and revoke the API keys of `breeze serve`.

    A running server takes up a change within a second.
    """


@command.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(("use", "operate")),
    default="use",
    show_default=True,
    help="operate may also change settings and see everybody's requests.",
)
def add(name: str, role: str) -> None:
    """Make a key for NAME and print it. It is shown this once: only its proof is stored."""
    key = _file().add(name, role)  # type: ignore[arg-type]  # one of the choices above
    click.echo(key)
    note(f"saved: {name} may {role}; keep the key now, it cannot be shown again")


@command.command("list")
@config_option
@json_option
def list_keys(config: Path | None, json: bool) -> None:
    """List the keys: whose they are and what they may do, never what they are."""
    found = [*_stored(), *_configured(config)]
    if json:
        show_lines(found)
    else:
        show_table(_COLUMNS, [[key.get(column, "") for column in _COLUMNS] for key in found])


@command.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """Forget the key of NAME, which may also be its id. It opens nothing any more."""
    _file().revoke(name)
    note(f"revoked: {name}")


def _file() -> KeyFile:
    from breeze.config.home import Home
    from breeze.service.keys import KeyFile

    return KeyFile(Home.find(os.environ))


def _stored() -> list[dict[str, Any]]:
    from datetime import UTC, datetime

    file = _file()
    return [
        {
            "name": key.name,
            "role": key.role,
            "id": key.id,
            "created": datetime.fromtimestamp(key.created, UTC).isoformat(" ", "seconds"),
            "where": str(file.path),
        }
        for key in file.load()
    ]


def _configured(config: Path | None) -> list[dict[str, Any]]:
    from breeze.config.home import Home
    from breeze.config.reader import read_config

    file = read_config(config or Home.find(os.environ).config)
    keys = file.config.global_settings.server.api_keys
    return [{"name": key.name, "role": key.role, "where": str(file.path)} for key in keys]
