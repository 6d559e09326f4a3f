"""Tables: drawn for a terminal, in plain aligned columns for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from breeze.surfaces.cli._terminal import harmless, is_terminal, note

Row = Sequence[object]
_NARROW = 18
"""Characters up to which a cell stays on one line, so that it is the long ones that fold."""


def show_table(columns: Sequence[str], rows: Sequence[Row], *, title: str = "") -> None:
    """The rows below their columns' names, on standard output. Empty columns are left out."""
    if not rows:
        note("nothing to show")
        return
    cells = [[harmless(str(cell)) for cell in row] for row in rows]
    used = [i for i in range(len(columns)) if any(row[i] for row in cells)]
    names = [columns[i] for i in used]
    cells = [[row[i] for i in used] for row in cells]
    if is_terminal(sys.stdout):
        _draw(names, cells, title)
    else:
        _print(names, cells, title)


def show_lines(values: Sequence[Any]) -> None:
    """Each value as one line of JSON."""
    for value in values:
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def _print(names: list[str], cells: list[list[str]], title: str) -> None:
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    lines = [title] if title else []
    for row in (names, *cells):
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(padded).rstrip())
    sys.stdout.write("\n".join(lines) + "\n")


def _draw(names: list[str], cells: list[list[str]], title: str) -> None:
    from rich.box import ROUNDED
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=ROUNDED, header_style="bold")
    for name, *column in zip(names, *cells, strict=True):
        narrow = max(map(len, column)) <= _NARROW
        table.add_column(name, overflow="fold", no_wrap=narrow)
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)
