"""Importing costs little and loads no vendor: heavy runtimes are imported inside functions."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = [
    "PIL", "aiohttp", "av", "cv2", "espeakng_loader", "gguf", "matplotlib", "numpy", "onnxruntime",
    "openai", "pocketsphinx", "rapidocr", "torch", "transformers", "webrtcvad", "xllamacpp",
]  # fmt: skip
QUIET = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
EVERYTHING = """
import importlib, pkgutil, breeze
for module in pkgutil.walk_packages(breeze.__path__, "breeze."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
HELP = """
import breeze.surfaces.cli as cli
try:
    cli.main(["--help"])
except SystemExit:
    pass
"""


def loaded_by(code: str, names: list[str]) -> list[str]:
    """Which of `names` are loaded after `code` ran in a fresh interpreter."""
    code += f"\nimport sys; print(*[n for n in {names!r} if n in sys.modules], file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=QUIET, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1].split()


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("import breeze", ["pydantic", "rich", "sqlite3", "asyncio"]),
        ("from breeze import *", ["rich"]),
        ("import breeze.surfaces.cli", ["rich", "sqlite3", "breeze.engine.engine"]),
        (HELP, ["sqlite3", "breeze.engine.engine"]),
        (EVERYTHING, []),
    ],
)
def test_nothing_heavy_is_loaded(code: str, more: list[str]) -> None:
    assert loaded_by(code, HEAVY + more) == []


def cpu_seconds(*arguments: str) -> float:
    """Processor time of a fresh interpreter, which a busy machine stretches less than the clock."""
    pid = os.posix_spawn(sys.executable, [sys.executable, *arguments], QUIET)
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize(
    ("budget", "arguments"),
    [
        (0.2, ["-c", "import breeze"]),
        (
            0.4,
            [
                "-c",
                HELP.replace(
                    "import", "import os, sys; sys.stdout = open(os.devnull, 'w')\nimport", 1
                ),
            ],
        ),
    ],
)
def test_starting_up_stays_in_its_budget(budget: float, arguments: list[str]) -> None:
    assert min(cpu_seconds(*arguments) for _ in range(5)) < budget
