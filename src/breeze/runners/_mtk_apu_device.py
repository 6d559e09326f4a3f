"""What drives a MediaTek NPU: the vendor's libraries on this machine, and the runtime's delegate.

Which chip the machine has is the hardware's to tell, by the requirement MTK_NPU.
"""

from __future__ import annotations

from pathlib import Path

DELEGATE = "NeuropilotBackend"
"""The name under which programs ask for the NPU."""
_LIBRARIES = ("libneuronusdk_adapter.mtk.so", "libneuron_adapter.mtk.so", "libneuron_runtime.so")
_PLACES = ("vendor/lib64", "system/lib64", "usr/lib", "usr/lib64", "usr/lib/aarch64-linux-gnu")


def lacking(root: Path = Path("/")) -> str | None:
    """Why a MediaTek NPU cannot be driven here, with what was looked for, or None. Never raises."""
    paths = (root / place / name for place in _PLACES for name in _LIBRARIES)
    if any(path.exists() for path in paths):
        return None
    places = ", ".join(f"/{place}" for place in _PLACES)
    return (
        "MediaTek's Neuron runtime is missing: install the vendor's "
        f"{_LIBRARIES[0]} into one of {places}"
    )


def delegates() -> list[str]:
    """The hardware back ends that the installed runtime knows."""
    import torch  # noqa: F401 - the library below stands on it
    from executorch.extension.pybindings import _C  # the public name loads the exporter too

    return list(_C._get_registered_backend_names())
