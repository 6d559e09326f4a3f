"""Fails when the branch coverage of a folder is below the limit.

usage: python tools/coverage_gate.py FOLDER...      (after a test run with coverage)
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from coverage import Coverage

LEAST = 90.0
"""Per cent of the branches of each folder."""


def totals(folder: str) -> dict[str, Any]:
    """Print what is not covered in `src/FOLDER`, and return the figures."""
    measured = Coverage()
    measured.load()
    include = [f"*/src/{folder}/*"]
    measured.report(include=include, skip_covered=True, show_missing=True)
    with tempfile.TemporaryDirectory() as room:
        report = Path(room, "report.json")
        measured.json_report(outfile=str(report), include=include)
        figures: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))["totals"]
    return figures


def main(folders: list[str]) -> int:
    failed = 0
    for folder in folders:
        figures = totals(folder)
        branches = 100 * figures["covered_branches"] / max(1, figures["num_branches"])
        verdict = "enough" if branches >= LEAST else f"TOO LITTLE, at least {LEAST:g} % is needed"
        print(
            f"{folder}: branches {branches:.1f} %, lines {figures['percent_covered']:.1f} %"
            f" with them: {verdict}\n"
        )
        failed += branches < LEAST
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
