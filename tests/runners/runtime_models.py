"""The embedded model in the forms of other runtimes, made once for each state of the tools.

They are kept in `tools/tiny_model/build`, which git leaves alone; each is made in a process of its
own, because the exporters need libraries that no test should load.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools"
EMBEDDED = ROOT / "src/breeze/models/embedded/breeze-tiny-q8_0.gguf"
_FORMS = {"hf": "weights", "onnx": "export_onnx", "executorch": "export_executorch"}
"""Folder of each form, and the tool that makes it: from the GGUF file, or from the folder `hf`."""


@pytest.fixture(scope="session")
def onnx_model() -> Path:
    """The embedded model as a folder for onnxruntime-genai."""
    return made("onnx")


@pytest.fixture(scope="session")
def program() -> Path:
    """The embedded model as an ExecuTorch program."""
    return made("executorch") / "model.pte"


def made(form: str) -> Path:
    """The folder of this form; made first where the tools have changed since."""
    build = TOOLS / "tiny_model" / "build" / f"runtimes-{_state()}"
    build.mkdir(parents=True, exist_ok=True)
    with FileLock(build / f"{form}.lock"):
        out = build / form / "breeze-tiny"
        if not out.is_dir():
            source = EMBEDDED if form == "hf" else made("hf")
            _export(_FORMS[form], source, out)
    return out


def _export(tool: str, source: Path, out: Path) -> None:
    with tempfile.TemporaryDirectory(dir=out.parents[1]) as temporary:
        fresh = Path(temporary) / out.name
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", f"tiny_model.{tool}", source, fresh],
            cwd=TOOLS,
            env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        out.parent.mkdir(exist_ok=True)
        shutil.move(fresh, out)


def _state() -> str:
    """Names the embedded model and the tools as they are now."""
    digest = hashlib.sha256(EMBEDDED.read_bytes())
    for tool in ("export", "vocabulary", "shape", *_FORMS.values()):
        file = TOOLS / "tiny_model" / f"{tool}.py"
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()[:12]
