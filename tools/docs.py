"""Writes the generated tables of the documents, between their two markers.

usage: python tools/docs.py [--check]      (--check writes nothing, and fails when a table is stale)
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from docs_tables import TABLES

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end generated -->)",
    re.DOTALL,
)


def documents() -> list[Path]:
    """Every document that may hold a table."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def renewed(text: str) -> str:
    """`text` with each table made anew. Raises KeyError for a table that nobody makes."""
    return BLOCK.sub(lambda m: m["begin"] + TABLES[m["name"]]().strip() + "\n" + m["end"], text)


def main(arguments: list[str]) -> int:
    stale = []
    for document in documents():
        old = document.read_text(encoding="utf-8")
        new = renewed(old)
        if new != old:
            stale.append(document.relative_to(ROOT))
            if "--check" not in arguments:
                document.write_text(new, encoding="utf-8")
    for name in stale:
        print(f"{name}: {'is stale: run make docs' if '--check' in arguments else 'renewed'}")
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
