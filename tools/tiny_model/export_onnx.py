"""A Hugging Face folder as a model for onnxruntime-genai, by that runtime's own builder.

usage: python -m tiny_model.export_onnx HF_FOLDER OUT_FOLDER
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path


def to_onnx(source: Path, out: Path) -> None:
    """Writes the graph, its float32 weights, the tokenizer and `genai_config.json` into `out`."""
    with tempfile.TemporaryDirectory() as cache:
        files = ["-i", str(source), "-o", str(out), "-c", cache]
        form = ["-p", "fp32", "-e", "cpu"]
        builder = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
        subprocess.run([*builder, *files, *form], check=True)


if __name__ == "__main__":
    to_onnx(Path(sys.argv[1]), Path(sys.argv[2]))
