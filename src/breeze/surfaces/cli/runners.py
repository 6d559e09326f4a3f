"""`breeze runners`: who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from breeze.contracts.capability import Capability
from breeze.surfaces.cli._options import Work, looking_options
from breeze.surfaces.cli._run import run, service
from breeze.surfaces.cli._table import show_lines, show_table
from breeze.surfaces.cli._terminal import note
from breeze.surfaces.cli._words import CAPABILITY

if TYPE_CHECKING:
    from breeze.contracts.service import RunnerStatus

_COLUMNS = ("instance", "runner", "kind", "does", "priority", "model", "memory", "state", "reason")


@click.command("runners")
@click.argument("capability", type=CAPABILITY, required=False)
@looking_options
def command(capability: Capability | None, work: Work) -> None:
    """List every runner, what it does, and whether it can work here.

    CAPABILITY, or the command that needs it, shows only those that do this kind of work.
    Endpoints that nobody has set up are named in a line of their own; --json shows them all.
    """
    found = run(_statuses(work, capability), json=work.json)
    if work.json:
        show_lines(found)
    else:
        show_table(_COLUMNS, [_row(status) for status in found if not status.offered])
        if room := _room(found):
            note(room)
        if offered := [status.name for status in found if status.offered]:
            note(f"{len(offered)} more endpoints, not set up: {', '.join(offered)}")


async def _statuses(work: Work, capability: Capability | None) -> list[RunnerStatus]:
    async with service(work, capability or Capability.LLM) as asked:
        everybody = await asked.runners()
    return [s for s in everybody if capability is None or capability in s.capabilities]


def _room(found: list[RunnerStatus]) -> str:
    """How full the memory for models is, once something is in it."""
    from breeze.engine.budget import size

    taken, budget = sum(status.size for status in found), max((s.budget for s in found), default=0)
    if not taken:
        return ""
    of = f" of {size(budget)}" if budget else ", without a limit"
    return f"memory for models: {size(taken)}{of}"


def _state(status: RunnerStatus) -> str:
    """What it does at this moment."""
    if status.state == "absent":
        return "available"
    facts = [status.state]
    if status.leases:
        facts.append(f"{status.leases - status.waiting} at work")
    if status.waiting:
        facts.append(f"{status.waiting} waiting")
    idle = [model.idle for model in status.models if model.idle is not None]
    if idle and not status.leases:
        facts.append(f"idle {min(idle):.0f} s")
    return ", ".join([*facts, "pinned"] if status.pinned and status.models else facts)


def _memory(status: RunnerStatus) -> str:
    """What its models take; with "about" where that is no more than an estimate."""
    from breeze.engine.budget import size

    if not status.size:
        return ""
    return size(status.size) if status.measured else f"about {size(status.size)}"


def _row(status: RunnerStatus) -> tuple[object, ...]:
    state = _state(status)
    reason, does = status.reason, ", ".join(status.capabilities)
    if status.circuit != "closed" and not reason:
        from breeze.engine.circuit import times_failed

        state = "being probed" if status.circuit == "probing" else f"rests {status.retry_in:.0f} s"
        reason = f"{times_failed(status.failures)}: {status.last_error}"
    return (
        status.name, status.runner, status.kind, does, status.priority, status.model,
        _memory(status), state, reason,
    )  # fmt: skip
