"""`breeze completion`: what a shell must read to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_LINES = {
    "bash": 'eval "$(breeze completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(breeze completion zsh)" in ~/.zshrc',
    "fish": "breeze completion fish > ~/.config/fish/completions/breeze.fish",
}


@click.command(
    "completion", epilog="Put it to use: " + "; ".join(f"{k}: {v}" for k, v in _LINES.items())
)
@click.argument("shell", type=click.Choice(tuple(_LINES)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script for the tab key in SHELL."""
    kind = get_completion_class(shell)
    assert kind is not None  # click brings all three
    click.echo(kind(ctx.find_root().command, {}, "breeze", "_BREEZE_COMPLETE").source())
