"""Servers in environments of their own, of a Python that they need, made once and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".venv-clients"
"""Git ignores it. Remove it to make everything anew."""
LIMIT = 600.0
"""Seconds that an installation may take."""
RANKS = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""The word pieces without which the servers do not start. They would be fetched from the web, by
this name; another package carries the same file."""


def environment(name: str) -> Path:
    """The commands of an environment of `requirements-<name>.txt`, for Python 3.12.

    Skips the test where there is no such Python; fails it when nothing can be installed.
    """
    python = python_312()
    if python is None:
        pytest.skip("needs a Python 3.12 (python3.12, or one of pyenv's): there is none here")
    wanted = HERE / f"requirements-{name}.txt"
    mark = hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]
    folder = CACHE / f"{name}-312-{mark}"
    CACHE.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock", timeout=LIMIT):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _run([python, "-m", "venv", "--without-pip", str(folder)])
            _install(folder, wanted)
            (folder / "complete").touch()
    return folder / "bin"


def word_pieces() -> Path:
    """A folder with the file of word pieces, for TIKTOKEN_CACHE_DIR."""
    folder = CACHE / "word-pieces"
    CACHE.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock", timeout=LIMIT):
        if not (folder / RANKS).exists():
            folder.mkdir(exist_ok=True)
            options = ("--quiet", "--no-deps", "--only-binary", ":all:", "-d", str(folder))
            _run([sys.executable, "-m", "pip", "download", *options, "litellm"])
            (wheel,) = folder.glob("litellm-*.whl")
            with zipfile.ZipFile(wheel) as packed:
                data = packed.read(f"litellm/litellm_core_utils/tokenizers/{RANKS}")
            (folder / RANKS).write_bytes(data)
            wheel.unlink()
    return folder


@cache
def python_312() -> str | None:
    """A Python 3.12 of this machine that works."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [str(p) for p in sorted(kept.glob("3.12*/bin/python3.12"), reverse=True)]
    if found := shutil.which("python3.12"):
        places.append(found)
    for place in places:
        asked = [
            place,
            "-c",
            "import sqlite3, ssl, sys, venv; sys.exit(sys.version_info[:2] != (3, 12))",
        ]
        if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return place
    return None


def _install(folder: Path, wanted: Path) -> None:
    """With uv, which is many times quicker; with pip where there is no uv to be had."""
    tool = CACHE / "uv"
    with FileLock(f"{tool}.lock", timeout=LIMIT):
        if not (tool / "bin").exists():
            options = ("--quiet", "--target", str(tool), "uv")
            _run([sys.executable, "-m", "pip", "install", *options], must=False)
    environ = {
        **os.environ,
        "UV_CACHE_DIR": str(CACHE / "uv-cache"),
        "UV_FIND_LINKS": os.environ.get("PIP_FIND_LINKS", ""),
        **({"UV_DEFAULT_INDEX": index} if (index := os.environ.get("PIP_INDEX_URL")) else {}),
    }
    python, uv = str(folder / "bin" / "python"), tool / "bin" / "uv"
    quick = [str(uv), "pip", "install", "--quiet", "--python", python, "-r", str(wanted)]
    if uv.exists() and _run(quick, environ, must=False):
        return
    options = ("--quiet", "--no-input", "--no-compile", "--disable-pip-version-check")
    _run([sys.executable, "-m", "pip", "--python", python, "install", *options, "-r", str(wanted)])


def _run(command: list[str], environ: dict[str, str] | None = None, *, must: bool = True) -> bool:
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    if done.returncode and must:
        pytest.fail(
            f"An environment could not be made: {' '.join(command)}\n{done.stderr[-4000:]}\n"
            "It needs a package index: look at pip's settings and the network.",
            pytrace=False,
        )
    return done.returncode == 0
