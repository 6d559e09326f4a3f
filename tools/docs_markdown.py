"""Markdown, as the generated tables need it."""

from __future__ import annotations

from collections.abc import Iterable


def table(heads: str, rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; `heads` are separated by `|`."""
    names = [head.strip() for head in heads.split("|")]
    lines = [names, ["---"] * len(names), *([cell.replace("|", "\\|") for cell in r] for r in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: object) -> str:
    """`text` as code, nothing for nothing."""
    return f"`{text}`" if text not in ("", None) else ""
