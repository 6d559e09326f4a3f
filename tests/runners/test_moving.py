"""Where local runners work, and what would take them elsewhere, by the build that is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.capability import Backend
from breeze.contracts.errors import HardwareError
from breeze.runners._llamacpp_native import built_for_gpu
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners._native_builds import has, mentions
from breeze.runners._onnx_parameters import OnnxParameters
from breeze.runners._onnx_providers import built_for
from breeze.runners.llamacpp import LlamaCppRunner
from breeze.runners.onnx import OnnxRunner
from breeze.runners.transformers import TransformersParameters, TransformersRunner
from breeze.runners.whisper import WhisperParameters, WhisperRunner
from tests.runners.onnx_files import onnx_embedder as onnx_embedder
from tests.runners.runtime_models import onnx_model as onnx_model

BUILDS = {
    "xllamacpp/native.abi3.so": b"\0ggml_backend_cuda_reg\0",
    "onnxruntime/capi/libonnxruntime_providers_cuda.so": b"",
    "onnxruntime/capi/libonnxruntime_providers_qnn.so": b"",
    "torch/lib/libtorch_cuda.so": b"",
    "ctranslate2/_ext.so": b"\0libcublas.so.12\0",
}
"""What tells builds for GPUs and NPUs from others."""
ASK = """
import asyncio, json, sys
from breeze.config import parse_config
from breeze.contracts.capability import Backend
from breeze.contracts.router import Configuration, RuntimeBackend
from breeze.engine.engine import Engine
from breeze.service.router import RouterService

async def notes(home, wanted, parameters, machine):
    entry = {"class": "llamacpp", "parameters": parameters}
    said = {"version": "2.0", "globalSettings": {"hardware": machine},
            "capabilities": {"LLM": {"runners": {"llamacpp": entry}}}}
    config = parse_config(said).config
    async with Engine.open(home=home, config=config, environ={}, ledger=False) as engine:
        session = RouterService(engine).open()
        told = await session.initialize(Configuration(api_version=2, preferred_runtime=wanted))
        kinds = ("llamacpp", "onnx", "transformers", "whisper")
        moves = {name: {to: engine.instances[name].runner_type.parameters_on(to) for to in Backend}
                 for name in kinds}
        return {"notes": "; ".join(note.why for note in told), "moves": moves}

async def main():
    home = sys.argv[1]
    gpu, cpu = RuntimeBackend.GPU, RuntimeBackend.CPU
    return [await notes(home, *asked) for asked in (
        (gpu, {}, {"GPU": True}), (gpu, {"gpu_layers": 0}, {"GPU": True}),
        (cpu, {}, {"GPU": True}), (cpu, {}, {"GPU": False}), (gpu, {}, {"GPU": False}))]

print(json.dumps(asyncio.run(main())))
"""


def test_builds_for_other_hardware_are_known_by_their_files(tmp_path: Path) -> None:
    for name, content in BUILDS.items():
        file = tmp_path / "builds" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        (tmp_path / "builds" / Path(name).parts[0] / "__init__.py").touch()
    path = os.pathsep.join((str(tmp_path / "builds"), *filter(None, sys.path)))
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path / "home")],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    there, kept, away, no_card, none = json.loads(done.stdout)
    assert "LLM" not in there["notes"]  # as many layers as fit are there anyway
    assert kept["notes"] == "llamacpp works on the GPU when its operator leaves gpu_layers out"
    assert away["notes"] == "llamacpp works on the CPU when its operator sets gpu_layers to 0"
    assert no_card["notes"] == ""  # for want of a GPU it works there
    assert "no runner works on the GPU here for LLM" in none["notes"]
    assert none["notes"].endswith("no GPU (the configuration says no)")
    assert there["moves"] == {
        "llamacpp": {"CPU": {"gpu_layers": 0}, "GPU": {"gpu_layers": None}, "NPU": {}},
        "onnx": {"CPU": {"provider": "cpu"}, "GPU": {"provider": "cuda"},
                 "NPU": {"provider": "qnn"}},
        "transformers": {"CPU": {"device": "cpu"}, "GPU": {"device": "cuda"}, "NPU": {}},
        "whisper": {"CPU": {"device": "cpu"}, "GPU": {"device": "cuda"}, "NPU": {}},
    }  # fmt: skip


def test_what_is_not_installed_has_and_says_nothing() -> None:
    assert not has("no_such_package", "*")
    assert not mentions("no_such_package", b".")
    assert mentions("xllamacpp", rb"ggml_backend_cpu_reg")


@pytest.mark.skipif(built_for_gpu(), reason="llama.cpp is built for GPUs here")
def test_a_build_for_the_processor_moves_nowhere() -> None:
    assert LlamaCppRunner.backends_of(LlamaCppParameters()) == (Backend.CPU,)
    assert LlamaCppRunner.parameters_on(Backend.GPU) == {}


@pytest.mark.parametrize(
    ("runner", "parameters", "place"),
    [
        (OnnxRunner, OnnxParameters(provider="cuda"), Backend.GPU),
        (OnnxRunner, OnnxParameters(provider="openvino_npu"), Backend.NPU),
        (OnnxRunner, OnnxParameters(), Backend.CPU),
        (TransformersRunner, TransformersParameters(device="mps"), Backend.GPU),
        (TransformersRunner, TransformersParameters(), Backend.CPU),
        (WhisperRunner, WhisperParameters(), Backend.CPU),
        (LlamaCppRunner, LlamaCppParameters(gpu_layers=0), Backend.CPU),
    ],
)
def test_the_parameters_tell_where_it_works(runner: Any, parameters: Any, place: Backend) -> None:
    assert runner.backends_of(parameters) == (place,)


@pytest.mark.parametrize("provider", ["cuda", "openvino_npu", "coreml", "tensorrt", "nonsense"])
async def test_a_provider_that_is_not_there_is_refused_with_those_that_are(
    provider: str, onnx_model: Path, onnx_embedder: Path
) -> None:
    if any(built_for(backend) for backend in (Backend.GPU, Backend.NPU)):
        pytest.skip("this build has more than the processor")
    for model in (onnx_model, onnx_embedder):
        parameters = OnnxParameters(model_path=model, provider=provider)
        with pytest.raises(HardwareError, match=f"'{provider}' is not to be had here, but cpu"):
            await OnnxRunner(parameters).load("")
