"""The demo's account: who ran and why, how long it took, and what the ledger wrote down."""

from __future__ import annotations

from collections.abc import Sequence

from breeze.engine.ledger import Row
from breeze.surfaces.cli._table import show_table
from breeze.surfaces.cli.demo.hop import Hop


def show_who(hops: Sequence[Hop]) -> None:
    """A row for each step."""
    rows = [
        (
            hop.name,
            hop.result.runner,
            hop.why,
            hop.decision.id,
            f"{hop.first * 1000:.0f} ms",
            f"{hop.total * 1000:.0f} ms",
        )
        for hop in hops
    ]
    show_table(("step", "runner", "why", "decision", "first", "total"), rows)


def show_usage(rows: Sequence[Row]) -> None:
    """What the ledger wrote down: a row for each attempt."""
    cells = [
        (
            row.capability,
            row.runner,
            row.status,
            f"{row.seconds:.2f} s",
            row.events,
            ", ".join(used(row)),
        )
        for row in rows
    ]
    show_table(("does", "runner", "ended", "took", "events", "used"), cells)


def used(row: Row) -> list[str]:
    """What an attempt is known to have used, in words."""
    amounts = (
        (row.prompt_tokens, "tokens in"),
        (row.completion_tokens, "tokens out"),
        (row.characters, "characters"),
        (round(row.audio_seconds, 2), "s of audio"),
        (row.images, "pictures" if row.images > 1 else "picture"),
    )
    return [f"{amount} {unit}" for amount, unit in amounts if amount]
