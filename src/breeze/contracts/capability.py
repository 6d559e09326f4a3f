"""What an application may ask for, the kinds of runners, and what a runner may require."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Capability(StrEnum):
    """A kind of work. Values are the seeds' names and travel on the wire."""

    LLM = "LLM"
    VLM = "VLM"
    ASR = "ASR"
    TTS = "TTS"
    GUARDIAN = "GUARDIAN"
    IMAGE = "IMAGE"
    EMBEDDING = "EMBEDDING"

    @property
    def method(self) -> str:
        """The runner method that does this work: a runner that has it has the capability."""
        return METHODS[self]


METHODS: dict[Capability, str] = {
    Capability.LLM: "chat",
    Capability.VLM: "chat",  # with `vision = True` on the class
    Capability.ASR: "transcribe",
    Capability.TTS: "speak",
    Capability.GUARDIAN: "moderate",
    Capability.IMAGE: "draw",
    Capability.EMBEDDING: "embed",
}


class RunnerKind(StrEnum):
    """Where a runner's work happens (`type` in the seeds' configuration)."""

    MOCK = "MOCK"
    LOCAL = "LOCAL"
    HARDWARE = "HARDWARE"
    CLOUD = "CLOUD"


class Priority(IntEnum):
    """A runner's own rank; lower wins. A number in the configuration overrides it."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


class Backend(StrEnum):
    """What part of a machine computes (`RuntimeBackend` in the seeds)."""

    CPU = "CPU"
    GPU = "GPU"
    NPU = "NPU"


class Requirement(StrEnum):
    """What a machine must have before a runner can work on it (seeds/000, step 5).

    These are the seeds'; `breeze.contracts.hardware` has all that can be required.
    """

    INTERNET_CONNECTION = "INTERNET_CONNECTION"
    MTK_NPU = "MTK_NPU"
    GOOGLE_PLAY_SERVICES = "GOOGLE_PLAY_SERVICES"


class Strategy(StrEnum):
    """How candidates are ordered when nobody named a runner."""

    LOCAL_FIRST = "LOCAL_FIRST"
    REMOTE_FIRST = "REMOTE_FIRST"
    REMOTE_ONLY = "REMOTE_ONLY"
    MOCK_FIRST = "MOCK_FIRST"
    HARDWARE_FIRST = "HARDWARE_FIRST"
    PRIORITY_BASED = "PRIORITY_BASED"
