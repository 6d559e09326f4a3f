"""`breeze doctor`: what this machine has, what each runner lacks, and what would help."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from breeze.contracts.capability import Capability
from breeze.surfaces.cli._exit import DONE, NO_RUNNER
from breeze.surfaces.cli._options import Work, config_option, json_option
from breeze.surfaces.cli._run import opened, run
from breeze.surfaces.cli._table import show_lines, show_table
from breeze.surfaces.cli._terminal import note, write

if TYPE_CHECKING:
    from breeze.contracts.hardware import Detection
    from breeze.engine.hardware import Hardware
    from breeze.service.doctor import Fact, Patient

_COLUMNS = ("runner", "does", "on", "works", "what it lacks")


@click.command("doctor")
@config_option
@json_option
def command(config: Path | None, json: bool) -> int:
    """Look at this machine: which runners work, what the others lack.

    Everything is looked for anew. What a command can change comes with that command.
    Exit code 4 when a runner that you configured or selected cannot work.
    """
    if not json:  # a broken configuration is no reason to keep silent about the machine
        from breeze.engine.hardware import Hardware

        _show_machine(_facts(Hardware(environ=os.environ)))
    found, patients = run(_examined(Work(config=config, json=json)), json=json)
    if json:
        lines = [_line("fact", one) for one in _facts(found)]
        lines += [_line("hardware", one) for one in _detections(found)]
        show_lines([*lines, *(_line("runner", one) for one in patients)])
    else:
        _show(_detections(found), patients)
    return NO_RUNNER if any(one.fails for one in patients) else DONE


async def _examined(work: Work) -> tuple[Hardware, list[Patient]]:
    from breeze.service.doctor import patients

    async with opened(work, Capability.LLM) as engine:
        return engine.hardware, await patients(engine)


def _facts(hardware: Hardware) -> list[Fact]:
    from breeze.config.home import Home
    from breeze.service.doctor import facts

    return list(facts(Home.find(os.environ), hardware))


def _detections(hardware: Hardware) -> list[Detection]:
    from breeze.service.doctor import detections

    return detections(hardware)


def _line(kind: str, value: Any) -> dict[str, Any]:
    return {"type": kind, **msgspec.to_builtins(value)}


def _show_machine(facts: Sequence[Fact]) -> None:
    for one in facts:
        write(f"{one.name:<10} {one.value}\n")
        if one.problem:
            write(f"{'':<10} {one.problem} (run: {one.fix})\n")
    write("\n")


def _show(hardware: Sequence[Detection], patients: Sequence[Patient]) -> None:
    rows = [(h.name, "yes" if h.present else "no", h.evidence) for h in hardware]
    show_table(("hardware", "here", "evidence"), rows)
    write("\n")
    shown = [one for one in patients if not one.offered]
    show_table(_COLUMNS, [_row(one) for one in shown])
    _show_remedies({h.name: h.fix for h in hardware} | {one.name: one.fix for one in shown})
    if offered := [one.name for one in patients if one.offered]:
        note(f"{len(offered)} more endpoints, not set up: {', '.join(offered)}")
    if failing := [one.name for one in patients if one.fails]:
        note(f"configured or selected, and cannot work: {', '.join(failing)}", fg="red")


def _row(one: Patient) -> tuple[object, ...]:
    works = "yes" if one.works else ("NO" if one.wanted else "no")
    return (
        one.name,
        ", ".join(one.capabilities),
        ", ".join(one.backends) or "elsewhere",
        works,
        one.reason,
    )


def _show_remedies(remedies: Mapping[str, str]) -> None:
    """Each command once, on a line of its own, unbroken, so that it can be copied."""
    names: dict[str, list[str]] = {}
    for name, fix in remedies.items():
        if fix:
            names.setdefault(fix, []).append(name)
    if names:
        write("\nWhat would help:\n")
    for fix, some in names.items():
        write(f"  # {', '.join(some)}\n  {fix}\n")
