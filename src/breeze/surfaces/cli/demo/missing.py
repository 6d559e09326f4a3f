"""What this machine lacks for the demo, said before anything begins."""

from __future__ import annotations

from importlib.util import find_spec

from breeze.contracts.capability import Capability
from breeze.contracts.errors import UnavailableError
from breeze.engine.engine import Engine

NEEDED = (
    Capability.ASR,
    Capability.GUARDIAN,
    Capability.LLM,
    Capability.TTS,
    Capability.VLM,
)
_MODULES = {"PIL": "pillow (draws the picture)", "matplotlib": "matplotlib (plots the sound)"}
_REMEDY = "Run: pip install 'breeze-engine[demo]'"


def refuse_if_lacking(engine: Engine) -> None:
    """Raises UnavailableError that lists everything that is missing, and the remedy."""
    lacks = [text for module, text in _MODULES.items() if find_spec(module) is None]
    for capability in NEEDED:
        lacks += _lacks(capability, engine)
    if lacks:
        raise UnavailableError(
            f"The demo works without mocks, and this is missing: {'; '.join(lacks)}. {_REMEDY}",
            retryable=False,
        )


def _lacks(capability: Capability, engine: Engine) -> list[str]:
    """Why no real runner can do this kind of work; empty when one can."""
    real = [s for s in engine.runners() if capability in s.capabilities and not s.mock]
    if any(not status.reason for status in real):
        return []
    reasons = ", ".join(f"{s.name}: {s.reason}" for s in real) or "no real runner is there"
    return [f"{capability} ({reasons})"]
