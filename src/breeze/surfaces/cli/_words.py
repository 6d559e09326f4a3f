"""What a person may write for a capability: its name, or the command that needs it."""

from __future__ import annotations

from typing import Any

import click

from breeze.contracts.capability import Capability

COMMANDS = {
    "chat": Capability.LLM,
    "see": Capability.VLM,
    "listen": Capability.ASR,
    "say": Capability.TTS,
    "guard": Capability.GUARDIAN,
    "draw": Capability.IMAGE,
    "embed": Capability.EMBEDDING,
}
"""The work commands and what each one needs."""


class CapabilityType(click.ParamType[Capability]):
    """A capability, in any case, or a command's name."""

    name = "capability"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Capability:
        if isinstance(value, Capability):
            return value
        if (found := COMMANDS.get(value.lower())) is not None:
            return found
        try:
            return Capability(value.upper())
        except ValueError:
            known = ", ".join((*Capability, *COMMANDS))
            self.fail(f"{value!r} is neither a capability nor a command: {known}.", param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        from click.shell_completion import CompletionItem

        names = (*Capability, *COMMANDS)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


CAPABILITY = CapabilityType()
