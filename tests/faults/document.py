"""The page that shows the matrix: each dialect between two markers of its own."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
_BLOCK = "<!-- measured: {name} -->\n{table}\n<!-- end measured -->"


def section(text: str, name: str) -> str:
    """The table of a dialect; "" when the page has none."""
    pattern = _BLOCK.format(name=re.escape(name), table="(.*?)")
    found = re.search(pattern, text, re.S)
    return found[1] if found else ""


def renewed(text: str, tables: dict[str, str]) -> str:
    """The page with these tables. A dialect that it has not yet comes last."""
    for name, table in tables.items():
        block = _BLOCK.format(name=name, table=table)
        if f"<!-- measured: {name} -->" in text:
            old = _BLOCK.format(name=name, table=section(text, name))
            text = text.replace(old, block)
        else:
            text = f"{text.rstrip()}\n\n## {name}\n\n{block}\n"
    return text
