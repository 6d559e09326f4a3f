"""What `has_capability` answers to: the names of all lists of the seeds, from the real state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breeze.contracts.capability import Capability
from breeze.contracts.messages import ImagePart, Message
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.contracts.router import AITaskType, RunnerType, ServiceCapability
from breeze.engine.engine import Engine
from breeze.service.router_options import CHAT, DRAW, HEAR, JUDGE, SPEAK
from breeze.service.router_runners import CAPABILITIES, able, of_type

_LOOK = ChatRequest((Message("user", (ImagePart(b"\0"),)),))
_SAMPLES: Mapping[Capability, Request[Any]] = {
    Capability.LLM: ChatRequest.of("?"),
    Capability.VLM: _LOOK,
    Capability.ASR: TranscribeRequest(audio=b"\0"),
    Capability.TTS: SpeakRequest("?"),
    Capability.GUARDIAN: ModerateRequest(text="?"),
    Capability.IMAGE: DrawRequest.of("?"),
    Capability.EMBEDDING: EmbedRequest.of("?"),
}
"""A request of each capability, to ask the engine whether anybody would answer it."""

ALWAYS = frozenset({ServiceCapability.BINARY_DATA, ServiceCapability.STREAMING, "cancel", "resume"})
_LLM, _VLM = (Capability.LLM,), (Capability.VLM,)
WORK: Mapping[str, tuple[Capability, ...]] = {
    **{capability.lower(): (capability,) for capability in Capability},
    **{task.lower(): (CAPABILITIES[task],) for task in AITaskType},
    **dict.fromkeys(CHAT, _LLM),
    **dict.fromkeys(HEAR, (Capability.ASR,)),
    **dict.fromkeys(SPEAK, (Capability.TTS,)),
    **dict.fromkeys(JUDGE, (Capability.GUARDIAN,)),
    **dict.fromkeys(DRAW, (Capability.IMAGE,)),
    AITaskType.IMAGE_ANALYSIS.lower(): _VLM,
    "multimodal": _VLM,
    ServiceCapability.IMAGE_PROCESSING: _VLM,
    ServiceCapability.AUDIO_PROCESSING: (Capability.ASR, Capability.TTS),
    "chat": _LLM,
    "guardrail": (Capability.GUARDIAN,),
    "content_safety": (Capability.GUARDIAN,),
}
"""Names for which any one of the capabilities must be there."""

TYPES: Mapping[str, RunnerType] = {
    **{f"{kind.lower()}_runner": kind for kind in RunnerType if kind is not RunnerType.DEFAULT},
    "mock_runners": RunnerType.MOCK,
}


async def has_capability(engine: Engine, name: str, *, uploads: bool) -> bool:
    """Whether the service can do `name` now; names are read whatever their case."""
    word = name.strip().lower()
    if word in ALWAYS or (word == "uploads" and uploads):
        return True
    if word in TYPES:
        return of_type(engine, TYPES[word]) is not None
    if word in WORK:
        return any([await _would_answer(engine, capability) for capability in WORK[word]])
    return any(word in (instance.name, instance.runner) for instance in able(engine))


async def _would_answer(engine: Engine, capability: Capability) -> bool:
    return bool((await engine.explain(_SAMPLES[capability])).order)
