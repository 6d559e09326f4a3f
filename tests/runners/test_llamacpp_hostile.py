"""Whatever a GGUF file says in its header, llama.cpp does not end the process that loads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runners.gguf_mutants import SORTS

ROOT = Path(__file__).parents[2]


def survived(folder: Path, first: int, count: int, *sorts: str) -> list[list[int]]:
    """What gguf_mutants printed. Fails with the file to blame when its process ended early."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.runners.gguf_mutants",
            folder,
            str(first),
            str(count),
            *sorts,
        ],
        cwd=ROOT,
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stderr.splitlines()[-4:])
    return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]


def test_some_changed_headers_of_each_sort_end_nothing(tmp_path: Path) -> None:
    found = survived(tmp_path, 0, 100, *SORTS)
    assert len(found) == len(SORTS)
    for count, passed, worked in found:
        assert count == 100
        assert worked <= passed < 50  # most lies are seen before anything is loaded


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sort", "count"),
    [("model", 1500), ("ranker", 1500), ("projector", 3500), ("adapter", 3500)],
)
def test_ten_thousand_changed_headers_end_nothing(tmp_path: Path, sort: str, count: int) -> None:
    ((tried, passed, worked),) = survived(tmp_path, 1000, count, sort)
    assert (tried, 0 < worked <= passed) == (count, True)
