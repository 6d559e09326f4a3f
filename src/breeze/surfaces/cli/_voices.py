"""The voices that each speaking runner offers, from its parameter `voice`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from breeze.contracts.capability import Capability
from breeze.contracts.errors import RunnerError
from breeze.surfaces.cli._options import Work
from breeze.surfaces.cli._run import opened, run
from breeze.surfaces.cli._service import refusal
from breeze.surfaces.cli._table import show_lines, show_table
from breeze.surfaces.cli._terminal import note

if TYPE_CHECKING:
    from breeze.contracts.fields import Choice
    from breeze.engine.instances import Instance

_COLUMNS = ("instance", "voice", "label", "description")


def show_voices(work: Work) -> None:
    """Print every voice of --runner, or of all that can speak here."""
    if work.url:
        raise refusal("--list-voices")
    rows = run(_rows(work), json=work.json)
    if work.json:
        show_lines([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    else:
        show_table(_COLUMNS, rows)


async def _rows(work: Work) -> list[tuple[str, str, str, str]]:
    rows = []
    async with opened(work, Capability.TTS) as engine:
        able = {status.name for status in engine.runners() if not status.reason}
        for name, instance in engine.instances.items():
            wanted = work.runner in ("", name, instance.runner)
            if wanted and name in able and Capability.TTS in instance.capabilities:
                rows += [(name, v.key, v.label, v.description) for v in await _voices(instance)]
    return rows


async def _voices(instance: Instance) -> tuple[Choice, ...]:
    """What `voice` may be: as declared, or as the runner itself lists it."""
    runner = instance.make()
    facts = runner.parameters.facts.get("voice")
    if facts is None or not facts.load:
        return facts.choices if facts else ()
    try:
        listed: tuple[Choice, ...] = await getattr(runner, facts.load)()
    except RunnerError as error:
        note(f"{instance.name}: {error}")
        return ()
    return listed
