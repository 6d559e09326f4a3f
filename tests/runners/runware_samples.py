"""Requests that suit Runware, whose smallest picture has 128 pixels a side."""

from __future__ import annotations

from breeze.contracts.capability import Capability
from breeze.contracts.requests import DrawRequest

SIZE = "128x192"
SAMPLES = {
    "short": {Capability.IMAGE: DrawRequest.of("a lighthouse at dusk", size=SIZE)},
    "long": {Capability.IMAGE: DrawRequest.of("a lighthouse at dusk", size=SIZE, count=4)},
}
