"""Which runners the matrix asks, and what it asks of them. One row a dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from breeze.contracts.capability import Capability
from breeze.contracts.messages import Tool
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.engine.registry import Registry
from breeze.testing.media import wav
from breeze.testing.standins import Call, Standin, names, standin


def chat() -> Request[Any]:
    return ChatRequest.of("one two three four")


def calling() -> Request[Any]:
    """A chat whose answer is a call of a tool."""
    numbers = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    return ChatRequest.of("add", tools=(Tool("add", "Adds.", numbers),), tool_choice="required")


def speech() -> Request[Any]:
    return SpeakRequest("One two three four.")


def dictation() -> Request[Any]:
    """Sound whose words are wanted as they are heard."""
    return TranscribeRequest(audio=wav(0.3), timestamps="none")


def sound() -> Request[Any]:
    return TranscribeRequest(audio=wav(0.3))


def picture() -> Request[Any]:
    return DrawRequest.of("a bird")


def passages() -> Request[Any]:
    return EmbedRequest(("one two", "three four"))


def has_a_task(call: Call) -> bool:
    """Whether there is a task in it, rather than the question what became of one."""
    return any(task["taskType"] != "getResponse" for task in call.json)


def billed(vendor: Any) -> int:
    """Tasks that were ever charged for."""
    return len(vendor.work.billed)


def pictures_of(vendor: Any) -> tuple[Standin, ...]:
    """The host that serves what was drawn."""
    return (vendor.images,)


@dataclass(frozen=True)
class Dialect:
    """A runner, the stand-in that it asks, and the request that goes through both.

    `on`: how the request begins that the faults are for. `parameters`: more of the runner's.
    `account`: what is set on the stand-ins. `beside`: hosts of a stand-in beside its own. `flow`:
    seconds to look on for while something comes without end: more for who reads so much at most.
    `tries`: how often the runner asks by itself within one try of the engine. `is_work`: whether a
    call asks for work, rather than what became of it; `charges`: for how much work a stand-in has
    charged.
    """

    name: str
    standin: str
    runner: str
    make: Callable[[], Request[Any]] = chat
    capability: Capability = Capability.LLM
    profile: str = ""
    on: str = "POST"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)
    flow: float = 0.0005
    beside: Callable[[Any], tuple[Standin, ...]] = lambda vendor: ()
    tries: int = 1
    is_work: Callable[[Call], bool] = lambda call: True
    charges: Callable[[Any], int] = lambda vendor: 0

    @property
    def kind(self) -> type[Standin]:
        return standin(self.standin)

    @property
    def is_here(self) -> bool:
        """True when both the runner and its stand-in are there."""
        return self.runner in Registry().names and self.standin in names()


DIALECTS = (
    Dialect("openai", "openai", "openai", on="POST /chat"),
    Dialect(
        "openai speech",
        "openai",
        "openai",
        speech,
        Capability.TTS,
        on="POST /audio/speech",
    ),
    Dialect(
        "openai hearing",
        "openai",
        "openai",
        dictation,
        Capability.ASR,
        on="POST /audio/transcriptions",
    ),
    Dialect(
        "openai pictures",
        "openai",
        "openai",
        picture,
        Capability.IMAGE,
        on="POST /images",
    ),
    Dialect(
        "openai vectors",
        "openai",
        "openai",
        passages,
        Capability.EMBEDDING,
        on="POST /embeddings",
    ),
    Dialect("openrouter", "openai", "openrouter", profile="openrouter", on="POST /chat"),
    Dialect("anthropic", "anthropic", "anthropic"),
    Dialect("google", "google", "google"),
    Dialect("ollama", "ollama", "ollama", on="POST /api/chat"),
    Dialect("llama_stack", "llama_stack", "llama_stack"),
    Dialect(
        "elevenlabs",
        "elevenlabs",
        "elevenlabs",
        speech,
        Capability.TTS,
        account={"at_once": 100},  # the runner keeps to what an account may have at once
    ),
    Dialect("selfhosted_asr", "selfhosted_asr", "selfhosted_asr", sound, Capability.ASR),
    Dialect("huggingface", "huggingface", "huggingface", sound, Capability.ASR),
    Dialect(
        "runware",
        "runware",
        "runware",
        picture,
        Capability.IMAGE,
        parameters={"delivery": "sync", "rate_limit_delay": 0},
        flow=0.02,
        beside=pictures_of,
        tries=5,
        is_work=has_a_task,
        charges=billed,
    ),
)
HERE = tuple(dialect for dialect in DIALECTS if dialect.is_here)
