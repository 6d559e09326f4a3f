"""The soak in small: the same visitors as in `bench/soak.py`, for less than a minute."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "bench" / "soak.py"


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(platform.system() != "Linux", reason="open files are counted in /proc")
@pytest.mark.skipif(shutil.which("gcc") is None, reason="the mock upstream is written in C")
def test_a_server_is_the_same_after_many_visits(tmp_path: Path) -> None:
    """Memory has little time to settle here; half an hour of `bench/soak.py` is stricter."""
    how = ("--seconds", "45", "--rests", "9", "--memory", "12", "--keep", str(tmp_path))
    done = subprocess.run(
        [sys.executable, str(SOAK), *how], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
