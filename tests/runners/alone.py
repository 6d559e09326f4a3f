"""A process of its own, for a test that reads figures of its process: nothing else moves them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def printed_alone(code: str) -> list[list[int]]:
    """The numbers on each line that `code` prints. Raises CalledProcessError when it fails.

    All its threads share one arena: else glibc keeps some 20 MB for each of the first few threads
    that happen to load a model, and memory tells how threads were scheduled, not what leaks.
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
