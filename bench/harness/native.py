"""The mock upstream and the load generator: small C programs, compiled once per source text."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parent.parent / "native"


def program(name: str) -> Path:
    """The compiled program `name`; exits with a remedy when there is no compiler."""
    source = SOURCES / f"{name}.c"
    mark = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    folder = _cache()
    made = folder / f"{name}-{mark}"
    if not made.exists():
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            raise SystemExit("no C compiler: install gcc, the load generator is written in C")
        part = folder / f"{made.name}.{os.getpid()}"
        subprocess.run([compiler, "-O2", "-Wall", "-o", part, source], check=True)
        part.replace(made)
    return made


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(root) / "breeze-bench"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # no home to write to
        folder = Path(tempfile.gettempdir()) / f"breeze-bench-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def run_load(port: int, request: Path, connections: int, seconds: float, marks: int) -> Any:
    """One run of the load generator; what it printed (see `native/load.c`)."""
    command = [program("load"), port, request, connections, seconds, marks]
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False,
        timeout=seconds + 90,
    )  # fmt: skip
    if done.returncode:
        raise OSError(f"load generator: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)
