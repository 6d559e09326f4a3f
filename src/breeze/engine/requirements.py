"""Whether this machine has what a runner requires (seeds/000, step 5), with the evidence."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

_ROUTED_ADDRESS = ("192.0.2.1", 9)
"""A documentation address: connecting a datagram socket to it sends nothing, it needs a route."""
_MEDIATEK_CHIPS = ("mt6991", "mt6989", "mt6988")


def missing(requirements: Iterable[str]) -> str | None:
    """Why the first unmet requirement is unmet, or None when all are met."""
    for name in requirements:
        detect = _DETECTORS.get(name)
        reason = detect() if detect else f"unknown requirement {name!r}"
        if reason:
            return f"{name}: {reason}"
    return None


def _internet() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ROUTED_ADDRESS)
        except OSError as error:
            return f"this machine has no route to the internet ({error.strerror})"
    return None


def _mediatek_npu() -> str | None:
    described = Path("/proc/device-tree/compatible")
    chips = described.read_text(errors="replace") if described.exists() else ""
    if any(chip in chips for chip in _MEDIATEK_CHIPS):
        return None
    return f"needs a MediaTek chip of the family {', '.join(_MEDIATEK_CHIPS)}; none found"


def _play_services() -> str | None:
    if sys.platform == "android":
        return None
    return f"only Android has them, this is {sys.platform}"


_DETECTORS: dict[str, Callable[[], str | None]] = {
    "INTERNET_CONNECTION": _internet,
    "MTK_NPU": _mediatek_npu,
    "GOOGLE_PLAY_SERVICES": _play_services,
}
