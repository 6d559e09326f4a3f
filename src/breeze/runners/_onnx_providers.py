"""Where ONNX models can be computed on this machine."""

from __future__ import annotations

from breeze.contracts.errors import HardwareError
from breeze.contracts.fields import Choice

_KNOWN = {
    "cpu": ("CPUExecutionProvider", "CPU", "The processor; always there"),
    "cuda": ("CUDAExecutionProvider", "GPU", "Graphics cards, by CUDA"),
    "dml": ("DmlExecutionProvider", "GPU", "Graphics cards on Windows, by DirectML"),
    "webgpu": ("WebGpuExecutionProvider", "GPU", "Graphics cards, by WebGPU"),
    "openvino": ("OpenVINOExecutionProvider", "CPU", "Intel processors, graphics and NPUs"),
    "qnn": ("QNNExecutionProvider", "NPU", "Qualcomm NPUs"),
}
"""Our name: the runtime's name, what kind of hardware it is, and what it is for."""


def available() -> tuple[Choice, ...]:
    """What the installed runtime offers, the processor first."""
    import onnxruntime

    offered = onnxruntime.get_available_providers()
    return tuple(
        Choice(key, key.upper(), text)
        for key, (name, _, text) in _KNOWN.items()
        if key == "cpu" or name in offered or _generative(key)
    )


def _generative(key: str) -> bool:
    """The runtime for text has a library of its own, which may offer more."""
    import onnxruntime_genai

    offers = getattr(onnxruntime_genai, f"is_{key}_available", None)
    return bool(offers is not None and offers())


def check(key: str) -> None:
    """Raises HardwareError when `key` cannot be used here."""
    offered = [choice.key for choice in available()]
    if key not in offered:
        raise HardwareError(
            f"The execution provider {key!r} is not to be had here, but {', '.join(offered)}: "
            "choose one of these, or install the runtime's build for that hardware."
        )


def kind(key: str) -> str:
    """CPU, GPU or NPU."""
    return _KNOWN[key][1]


def native(key: str) -> str:
    """The runtime's own name."""
    return _KNOWN[key][0]
