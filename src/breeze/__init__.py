"""One engine that talks, sees, hears, speaks, draws, moderates and embeds through runners.

Layers, each importing only those before it: contracts, config, runners, engine, models, service,
surfaces. Names below are loaded when first used, so that importing the package costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from breeze.contracts.capability import Capability, RunnerKind
    from breeze.contracts.errors import RunnerError
    from breeze.contracts.events import Finish, TextDelta
    from breeze.contracts.messages import ImagePart, Message, TextPart, Tool
    from breeze.contracts.parameters import Parameters
    from breeze.contracts.requests import (
        ChatRequest,
        DrawRequest,
        EmbedRequest,
        ModerateRequest,
        SpeakRequest,
        TranscribeRequest,
    )
    from breeze.contracts.results import collect
    from breeze.contracts.runner import Runner, runner
    from breeze.engine.engine import Engine
    from breeze.version import __version__

_HOMES = {
    "Capability": "breeze.contracts.capability",
    "ChatRequest": "breeze.contracts.requests",
    "DrawRequest": "breeze.contracts.requests",
    "EmbedRequest": "breeze.contracts.requests",
    "Engine": "breeze.engine.engine",
    "Finish": "breeze.contracts.events",
    "ImagePart": "breeze.contracts.messages",
    "Message": "breeze.contracts.messages",
    "ModerateRequest": "breeze.contracts.requests",
    "Parameters": "breeze.contracts.parameters",
    "Runner": "breeze.contracts.runner",
    "RunnerError": "breeze.contracts.errors",
    "RunnerKind": "breeze.contracts.capability",
    "SpeakRequest": "breeze.contracts.requests",
    "TextDelta": "breeze.contracts.events",
    "TextPart": "breeze.contracts.messages",
    "Tool": "breeze.contracts.messages",
    "TranscribeRequest": "breeze.contracts.requests",
    "__version__": "breeze.version",
    "collect": "breeze.contracts.results",
    "runner": "breeze.contracts.runner",
}

__all__ = [
    "Capability",
    "ChatRequest",
    "DrawRequest",
    "EmbedRequest",
    "Engine",
    "Finish",
    "ImagePart",
    "Message",
    "ModerateRequest",
    "Parameters",
    "Runner",
    "RunnerError",
    "RunnerKind",
    "SpeakRequest",
    "TextDelta",
    "TextPart",
    "Tool",
    "TranscribeRequest",
    "__version__",
    "collect",
    "runner",
]


def __getattr__(name: str) -> Any:
    if (home := _HOMES.get(name)) is None:
        raise AttributeError(f"module 'breeze' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return __all__
