"""The command `breeze`: `main` is what the script of that name calls.

A command is the attribute `command` of the module that has its name. Such a module imports click
and the light contracts only; the engine, rich and pydantic come in when a command runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, cast

import click

from breeze.version import __version__

COMMANDS = (
    "chat", "see", "say", "listen", "guard", "draw", "embed", "rerank", "serve", "keys",
    "runners", "doctor", "explain", "models", "pull", "import", "settings", "check", "standin",
    "new-runner", "demo", "completion",
)  # fmt: skip
"""Every command, in the order in which the help lists them."""


_MODULES = {"import": "importing"}
"""Where a command is whose name no module can have."""


class Commands(click.Group):
    """Imports the module of a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = _MODULES.get(cmd_name, cmd_name.replace("-", "_"))
        module = import_module(f"{__name__}.{name}")
        return cast(click.Command, module.command)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would call that a failure; the reader just had enough
            from breeze.surfaces.cli._exit import swallow_the_rest

            swallow_the_rest()
            return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand:
            raise click.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx) from None


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 2 usage, 3 blocked by the guardian, 4 no runner, "
    "5 runner failed, 130 cancelled.",
)
@click.version_option(__version__, prog_name="breeze")
def breeze() -> None:
    """One AI engine: it talks, sees, hears, speaks, draws, moderates and embeds."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command in `arguments` (default: those of the process) and exit with its code."""
    from breeze.surfaces.cli._exit import exit_code

    with exit_code() as ended:
        ended.code = breeze.main(arguments, prog_name="breeze", standalone_mode=False) or 0
    sys.exit(ended.code)
