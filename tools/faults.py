"""Plays the fault matrix and writes what happened into docs/faults.md.

usage: python tools/faults.py [DIALECT...]      (default: all whose runner and stand-in are here)
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.dialects import HERE  # noqa: E402
from tests.faults.document import DOCUMENT, renewed  # noqa: E402
from tests.faults.table import table  # noqa: E402
from tests.faults.test_matrix import measured  # noqa: E402


async def main(names: list[str]) -> int:
    problems = 0
    for dialect in HERE:
        if names and dialect.name not in names:
            continue
        with tempfile.TemporaryDirectory() as home:
            seen, wrong = await measured(dialect, Path(home))
        text = DOCUMENT.read_text("utf-8")
        DOCUMENT.write_text(renewed(text, {dialect.name: table(seen)}), "utf-8")
        problems += len(wrong)
        print(f"{dialect.name}: {len(seen)} cells, {len(wrong)} problems", flush=True)
        print("\n".join(f"  {words}" for words in wrong), end="\n" if wrong else "")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
