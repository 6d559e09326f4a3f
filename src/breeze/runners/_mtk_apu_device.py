"""What this machine has of a MediaTek NPU: its chip, and the libraries that drive the NPU."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

CHIPS = ("mt6991", "mt6989", "mt6988")
"""Families whose NPU runs language models, newest first."""
DELEGATE = "NeuropilotBackend"
"""The name under which programs ask for the NPU."""
_LIBRARIES = ("libneuronusdk_adapter.mtk.so", "libneuron_adapter.mtk.so", "libneuron_runtime.so")
_PLACES = ("vendor/lib64", "system/lib64", "usr/lib", "usr/lib64", "usr/lib/aarch64-linux-gnu")
_TELLERS = (
    "proc/device-tree/compatible", "sys/devices/soc0/family", "sys/devices/soc0/machine",
    "sys/devices/soc0/soc_id", "vendor/build.prop", "proc/cpuinfo",
)  # fmt: skip
_NAME = re.compile(r"\bmt\d{4}\b")


def lacking(root: Path = Path("/")) -> str | None:
    """Why there is no NPU to be used, with what was looked at, or None. Never raises."""
    chip, where = _chip(root)
    known = ", ".join(CHIPS)
    if not chip:
        return f"no MediaTek chip was found (in {where}); it takes one of the family {known}"
    if chip not in CHIPS:
        return f"the chip is {chip} ({where}); it takes one of the family {known}"
    if _library(root) is None:
        places = ", ".join(f"/{place}" for place in _PLACES)
        return (
            f"the chip is {chip} ({where}), but the Neuron runtime is missing: install the "
            f"vendor's {_LIBRARIES[0]} into one of {places}"
        )
    return None


def _chip(root: Path) -> tuple[str, str]:
    """The chip and the file that names it, or nothing and all files that were read."""
    read = []
    for file, text in _told(root):
        read.append(f"/{file}")
        if found := _NAME.findall(text.lower()):
            return next((name for name in found if name in CHIPS), found[0]), f"/{file}"
    return "", ", ".join(read) or "none of the files that name chips"


def _told(root: Path) -> Iterator[tuple[str, str]]:
    for file in _TELLERS:
        try:
            yield file, (root / file).read_text(errors="replace")[:65_536]
        except OSError:
            continue


def _library(root: Path) -> Path | None:
    paths = (root / place / name for place in _PLACES for name in _LIBRARIES)
    return next((path for path in paths if path.exists()), None)


def delegates() -> list[str]:
    """The hardware back ends that the installed runtime knows."""
    import torch  # noqa: F401 - the library below stands on it
    from executorch.extension.pybindings import _C  # the public name loads the exporter too

    return list(_C._get_registered_backend_names())
