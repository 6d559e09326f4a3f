"""What a machine may have, by the names that runners and configurations require it with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal

import msgspec

NAMES: Mapping[str, str] = {
    "INTERNET_CONNECTION": "a route to the internet",
    "MTK_NPU": "the NPU of a MediaTek Dimensity chip",
    "GOOGLE_PLAY_SERVICES": "Android with the Play services",
    "GPU": "any GPU of those below",
    "CUDA_GPU": "a GPU with its CUDA driver",
    "ROCM_GPU": "a GPU with the ROCm kernel driver, open to this user",
    "VULKAN_GPU": "a GPU with the Vulkan loader and a driver that is no software renderer",
    "METAL_GPU": "a GPU of macOS",
    "NPU": "any NPU: MTK_NPU, or one of the next four",
    "INTEL_NPU": "the NPU of an Intel Core Ultra, open to this user",
    "APPLE_NPU": "the neural engine of Apple silicon",
    "AMD_NPU": "the NPU of an AMD Ryzen AI, open to this user",
    "QUALCOMM_NPU": "the Hexagon NPU of a Qualcomm chip, open to this user",
    "AVX2": "instruction set of x86",
    "AVX512": "instruction set of x86 (its foundation, avx512f)",
    "AMX": "tile instructions of x86",
    "NEON": "instruction set of ARM (also called asimd)",
    "SVE": "instruction set of ARM",
}
"""Every requirement that is a yes or a no, and what it means."""
AMOUNTS: Mapping[str, str] = {
    "RAM_8GB": "that much memory for this process: of the machine, or of its cgroup if less",
    "VRAM_8GB": "one GPU with that much memory of its own",
}
"""Requirements of an amount: any whole number may stand there, in units of 10^9 bytes."""
_AMOUNT = re.compile(r"(RAM|VRAM)_([1-9][0-9]{0,4})GB")
GB = 1_000_000_000


class Detection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether this machine has what `name` says.

    `evidence`: what was seen, or what was looked for in vain. `source`: who says so; whoever runs
    the engine may overrule what was detected. `fix`: the command that would help, if one would.
    """

    name: str
    present: bool
    evidence: str
    source: Literal["detected", "configuration", "environment"] = "detected"
    fix: str = ""


def amount_of(name: str) -> tuple[str, int] | None:
    """`RAM_8GB` as ("RAM", bytes), None for what is no amount."""
    found = _AMOUNT.fullmatch(name)
    return (found[1], int(found[2]) * GB) if found else None


def is_known(name: str) -> bool:
    """Whether `name` is a requirement that can be looked for."""
    return name in NAMES or amount_of(name) is not None


def unknown(name: str) -> str:
    """What to say of a name that nobody knows."""
    near = get_close_matches(name, [*NAMES, *AMOUNTS], n=1)
    hint = f"did you mean {near[0]}?" if near else "breeze doctor lists them"
    return f"is not known ({hint})"
