"""One virtual environment for each client, made once and kept in `.venv-clients`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".venv-clients"
"""Git ignores it. Remove it to get the newest versions of all clients."""
LIMIT = 600.0
"""Seconds that an installation may take."""


def environment(name: str) -> Path:
    """The folder of the commands of an environment with `requirements-<name>.txt` installed.

    Fails the test, with what pip said, when it cannot be made.
    """
    wanted = HERE / f"requirements-{name}.txt"
    version = "{}.{}".format(*sys.version_info)
    mark = hashlib.sha256(f"{version} {wanted.read_text()}".encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{mark}"
    CACHE.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock", timeout=LIMIT):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder, wanted)
            (folder / "complete").touch()
    return folder / ("Scripts" if os.name == "nt" else "bin")


def _make(folder: Path, wanted: Path) -> None:
    """Make it with this Python and fill it with this pip, which is quicker than one of its own."""
    _run("-m", "venv", "--without-pip", str(folder))
    options = ("--quiet", "--no-input", "--no-compile", "--disable-pip-version-check")
    _run("-m", "pip", "--python", str(folder), "install", *options, "-r", str(wanted))


def _run(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    if done.returncode:
        pytest.fail(
            f"The environment of a client could not be made: python {' '.join(arguments)}\n"
            f"{done.stderr[-4000:]}\n"
            "It needs a package index: look at pip's settings and the network.",
            pytrace=False,
        )
