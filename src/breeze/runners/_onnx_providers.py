"""Where ONNX models can be computed on this machine."""

from __future__ import annotations

import sys
from typing import NamedTuple

from breeze.contracts.capability import Backend
from breeze.contracts.errors import HardwareError
from breeze.contracts.fields import Choice
from breeze.runners._native_builds import has

_CPU, _GPU, _NPU = Backend.CPU, Backend.GPU, Backend.NPU


class Provider(NamedTuple):
    """An execution provider.

    `native`: the runtime's own name; `text`: that of the runtime for text, "" where that has none;
    `part`: how the file of its library is called; `options`: what tells it which device to take.
    """

    native: str
    text: str
    kind: Backend
    part: str
    about: str
    options: tuple[tuple[str, str], ...] = ()


_KNOWN = {
    "cpu": Provider("CPUExecutionProvider", "cpu", _CPU, "", "The processor; always there"),
    "cuda": Provider("CUDAExecutionProvider", "cuda", _GPU, "cuda", "Graphics cards, by CUDA"),
    "rtx": Provider(
        "NvTensorRTRTXExecutionProvider", "NvTensorRtRtx", _GPU, "nv_tensorrt_rtx",
        "Graphics cards, by TensorRT for RTX",
    ),
    "tensorrt": Provider(
        "TensorrtExecutionProvider", "", _GPU, "tensorrt", "Graphics cards, by TensorRT"
    ),
    "migraphx": Provider(
        "MIGraphXExecutionProvider", "MIGraphX", _GPU, "migraphx", "Graphics cards, by MIGraphX"
    ),
    "rocm": Provider("ROCMExecutionProvider", "", _GPU, "rocm", "Graphics cards, by ROCm"),
    "dml": Provider(
        "DmlExecutionProvider", "DML", _GPU, "DirectML", "Graphics cards on Windows, by DirectML"
    ),
    "coreml": Provider(
        "CoreMLExecutionProvider", "CoreML", _GPU, "coreml", "Graphics of a Mac, by Core ML",
        (("MLComputeUnits", "CPUAndGPU"),),
    ),
    "openvino_gpu": Provider(
        "OpenVINOExecutionProvider", "OpenVINO", _GPU, "openvino", "Intel graphics, by OpenVINO",
        (("device_type", "GPU"),),
    ),
    "webgpu": Provider(
        "WebGpuExecutionProvider", "WebGPU", _GPU, "webgpu", "Graphics cards, by WebGPU"
    ),
    "qnn": Provider("QNNExecutionProvider", "QNN", _NPU, "qnn", "Qualcomm NPUs"),
    "vitisai": Provider("VitisAIExecutionProvider", "VitisAI", _NPU, "vitisai", "AMD NPUs"),
    "openvino_npu": Provider(
        "OpenVINOExecutionProvider", "OpenVINO", _NPU, "openvino", "Intel NPUs, by OpenVINO",
        (("device_type", "NPU"),),
    ),
    "coreml_npu": Provider(
        "CoreMLExecutionProvider", "CoreML", _NPU, "coreml",
        "Neural engine of a Mac, by Core ML", (("MLComputeUnits", "CPUAndNeuralEngine"),),
    ),
    "openvino": Provider(
        "OpenVINOExecutionProvider", "OpenVINO", _CPU, "openvino",
        "Intel processors, by OpenVINO", (("device_type", "CPU"),),
    ),
}  # fmt: skip
"""By our names; of one kind of hardware the better comes first."""


def available() -> tuple[Choice, ...]:
    """What the installed runtimes offer, the processor first."""
    return tuple(
        Choice(key, key.upper(), one.about) for key, one in _KNOWN.items() if _for_graphs(one)
    )


def _for_graphs(one: Provider) -> bool:
    import onnxruntime

    return one.native in onnxruntime.get_available_providers()


def _for_text(one: Provider) -> bool:
    """The runtime for text stands on the other, and must have been built for it too."""
    import onnxruntime_genai

    tells = getattr(onnxruntime_genai, f"is_{one.text.lower()}_available", None)
    return bool(one.text) and _for_graphs(one) and (tells is None or bool(tells()))


def check(key: str, *, text: bool) -> None:
    """Raises HardwareError when `key` cannot be used here, for a model of text or of vectors."""
    offers = _for_text if text else _for_graphs
    offered = [name for name, one in _KNOWN.items() if offers(one)]
    if key not in offered:
        raise HardwareError(
            f"The execution provider {key!r} is not to be had here, but {', '.join(offered)}: "
            "choose one of these, or install the runtime's build for that hardware."
        )


def refused(key: str) -> HardwareError:
    """The runtime has the provider, and does not get it to work."""
    return HardwareError(
        f"The execution provider {key!r} is installed and does not work here: its driver or a "
        "library of it is missing (the runtime's log says which). Install that, or set provider "
        "to cpu."
    )


def built_for(backend: Backend) -> str:
    """The best provider for this kind of hardware that the installed runtime was built with.

    "" when there is none. By its files alone.
    """
    return next((k for k, one in _KNOWN.items() if one.kind is backend and _built(one)), "")


def _built(one: Provider) -> bool:
    if one.kind is _CPU:
        return one.native == "CPUExecutionProvider"
    if one.part == "coreml":
        return sys.platform == "darwin"  # part of every build for it
    return has("onnxruntime", f"capi/*providers_{one.part}.*", f"capi/{one.part}.*")


def known(key: str) -> Provider:
    """What is known of a provider that `check` has let through."""
    return _KNOWN[key]


def kind(key: str) -> Backend:
    """CPU, GPU or NPU; what nobody knows would be refused, and counts as the first."""
    return _KNOWN[key].kind if key in _KNOWN else _CPU
