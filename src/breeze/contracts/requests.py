"""One frozen request type per capability.

Requests are immutable and travel as JSON, byte-equal both ways (`breeze.contracts.wire`). What is
None or empty is the runner's choice. `problems()` lists everything that is wrong, at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.events import (
    ChatEvent,
    DrawEvent,
    EmbedEvent,
    ModerateEvent,
    SpeakEvent,
    TranscribeEvent,
)
from breeze.contracts.messages import Message, NamedTool, ResponseFormat, Tool, ToolChoice
from breeze.contracts.request import AUTO as AUTO
from breeze.contracts.request import LONGEST_NAME, Problem, between
from breeze.contracts.request import GuardianOptions as GuardianOptions
from breeze.contracts.request import Request as Request
from breeze.contracts.request import new_id as new_id

MOST_MESSAGES = 4096
"""Of one conversation: what templates make of more takes a runtime minutes."""
_CHAT_RANGES = (
    ("temperature", 0, 2), ("top_p", 0, 1), ("top_k", 0, 1_000_000), ("max_tokens", 1, 10_000_000),
    ("n", 1, 16), ("presence_penalty", -2, 2), ("frequency_penalty", -2, 2),
    ("top_logprobs", 0, 20),
)  # fmt: skip

_told_again = attrgetter("model", "runner", "deadline", *(name for name, _, _ in _CHAT_RANGES))
"""What most callers say in the same words every time."""


@lru_cache(maxsize=1024)
def _usual(told: tuple[Any, ...]) -> bool:
    """Whether what `_told_again` gives is sound, as far as a glance can tell."""
    model, runner, deadline, *values = told
    ranged = zip(values, _CHAT_RANGES, strict=True)
    in_range = all(value is None or low <= value <= high for value, (_, low, high) in ranged)
    names = len(model) <= LONGEST_NAME and len(runner) <= LONGEST_NAME
    return in_range and names and deadline is None and not values[-1]  # top_logprobs needs another


class ChatRequest(Request[ChatEvent], frozen=True, tag="chat"):
    """A conversation to continue. One that holds an image *is* a VLM request.

    Ranges: temperature 0-2, top_p 0-1, penalties -2 to 2, max_tokens from 1, n 1-16,
    top_logprobs 0-20. `stop`: up to 16 texts that end the answer and are not part of it.
    """

    capability = Capability.LLM

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] = msgspec.field(default_factory=dict)
    logprobs: bool = False
    top_logprobs: int = 0
    reasoning_effort: str = ""

    @classmethod
    def of(cls, text: str, *, system: str = "", **fields: Any) -> ChatRequest:
        """One user message, with an optional system message before it."""
        turns = [Message("system", system)] if system else []
        return cls((*turns, Message("user", text)), **fields)

    @property
    def needs(self) -> Capability:
        for message in self.messages:
            if type(message.content) is not str and message.images:
                return Capability.VLM
        return Capability.LLM

    def sound(self) -> bool:
        for message in self.messages:
            if type(message.content) is not str or message.role == "tool" or message.tool_calls:
                return False
        return (
            0 < len(self.messages) <= MOST_MESSAGES
            and 0 < len(self.id) <= 128
            and len(self.session_id) <= LONGEST_NAME
            and not self.stop
            and self.tool_choice == "auto"
            and _usual(_told_again(self))
        )

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from self._message_problems()
        for name, low, high in _CHAT_RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                yield from between(name, value, low, high)
        if len(self.stop) > 16 or not all(self.stop):
            yield "stop", "must be at most 16 texts, none of them empty"
        if self.top_logprobs and not self.logprobs:
            yield "top_logprobs", "needs logprobs to be true"
        if isinstance(self.tool_choice, NamedTool) and self.tool_choice.name not in {
            tool.name for tool in self.tools
        }:
            yield "tool_choice", f"names {self.tool_choice.name!r}, which is not in tools"

    def _message_problems(self) -> Iterator[Problem]:
        if not self.messages:
            yield "messages", "is empty: give at least one message"
        if len(self.messages) > MOST_MESSAGES:
            yield "messages", f"are {len(self.messages)}, must be at most {MOST_MESSAGES}"
            return
        for i, message in enumerate(self.messages):
            if message.role == "tool" and not message.tool_call_id:
                yield f"messages[{i}].tool_call_id", "is needed in a tool message"
            if message.tool_calls and message.role != "assistant":
                yield f"messages[{i}].tool_calls", "belongs to an assistant message"
            for j, image in enumerate(message.images if type(message.content) is tuple else ()):
                if bool(image.data) == bool(image.url):
                    yield f"messages[{i}].images[{j}]", "needs either data or url"


class TranscribeRequest(Request[TranscribeEvent], frozen=True, tag="transcribe"):
    """Speech to recognise: encoded bytes, a local file, or a live source of PCM.

    `live` yields signed 16-bit little-endian mono at `sample_rate` Hz; such a request cannot
    travel as JSON. `sample_rate` with `audio` says that the bytes are raw PCM of that rate.
    `language` as BCP 47 (`en-US`).
    """

    capability = Capability.ASR

    audio: bytes = b""
    file: str = ""
    live: AsyncIterable[bytes] | None = None
    sample_rate: int | None = None
    language: str = "en-US"
    prompt: str = ""
    timestamps: Literal["none", "segment", "word"] = "word"
    temperature: float | None = None

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if bool(self.file) + (self.live is not None) + bool(self.audio) != 1:
            yield "audio", "give exactly one of audio, file and live (audio must not be empty)"
        if self.live is not None and self.sample_rate is None:
            yield "sample_rate", "is needed with a live source"
        yield from between("sample_rate", self.sample_rate, 4_000, 384_000)
        yield from between("temperature", self.temperature, 0, 1)


class SpeakRequest(Request[SpeakEvent], frozen=True, tag="speak"):
    """Text to say. `speed` 0.25-4, 1 being the voice's own; empty `voice` is the runner's own.

    `format`: wav, pcm (signed 16-bit little-endian), mp3, opus, aac or flac.
    """

    capability = Capability.TTS

    text: str
    voice: str = ""
    speed: float = 1.0
    format: str = "wav"
    language: str = ""
    sample_rate: int | None = None
    instructions: str = ""

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if not self.text.strip():
            yield "text", "is empty: give some text to say"
        yield from between("speed", self.speed, 0.25, 4)
        yield from between("sample_rate", self.sample_rate, 4_000, 384_000)
        if self.format not in AUDIO_FORMATS:
            yield "format", f"is {self.format!r}, must be one of {', '.join(AUDIO_FORMATS)}"


AUDIO_FORMATS = ("wav", "pcm", "mp3", "opus", "aac", "flac")


class ModerateRequest(Request[ModerateEvent], frozen=True, tag="moderate"):
    """Text or messages to judge; no `categories` means all of them."""

    capability = Capability.GUARDIAN

    text: str = ""
    messages: tuple[Message, ...] = ()
    categories: tuple[str, ...] = ()
    strictness: Literal["low", "medium", "high"] = "medium"

    @property
    def whole_text(self) -> str:
        """What is judged: the text, or the messages' texts joined by line breaks."""
        return self.text or "\n".join(message.text for message in self.messages)

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.text and self.messages:
            yield "messages", "give either text or messages"


class DrawRequest(Request[DrawEvent], frozen=True, tag="draw"):
    """Pictures to make: `count` for each prompt, in order.

    `size` is `WIDTHxHEIGHT` in pixels, 16-8192 each. Steps 1-1000, guidance 0-100.
    """

    capability = Capability.IMAGE

    prompts: tuple[str, ...]
    size: str = "512x512"
    count: int = 1
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    format: Literal["png", "jpeg", "webp"] = "png"
    negative_prompt: str = ""

    @classmethod
    def of(cls, prompt: str, **fields: Any) -> DrawRequest:
        """One prompt."""
        return cls((prompt,), **fields)

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height. Raises ValueError when `size` has another form."""
        width, height = self.size.lower().split("x")
        return int(width), int(height)

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if not self.prompts or not all(prompt.strip() for prompt in self.prompts):
            yield "prompts", "is empty: say what to draw"
        try:
            sides = self.pixels
        except ValueError:
            yield "size", f"is {self.size!r}, must look like 512x512"
        else:
            for side in sides:
                yield from between("size", side, 16, 8192)
        yield from between("count", self.count, 1, 64)
        yield from between("steps", self.steps, 1, 1000)
        yield from between("guidance", self.guidance, 0, 100)


class EmbedRequest(Request[EmbedEvent], frozen=True, tag="embed"):
    """Texts to turn into vectors; `dimensions` shortens them where the model can."""

    capability = Capability.EMBEDDING

    texts: tuple[str, ...]
    dimensions: int | None = None

    @classmethod
    def of(cls, *texts: str, **fields: Any) -> EmbedRequest:
        """The texts, in order."""
        return cls(texts, **fields)

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if not self.texts:
            yield "texts", "is empty: give at least one text"
        yield from between("dimensions", self.dimensions, 1, 65_536)


AnyRequest = (
    ChatRequest | TranscribeRequest | SpeakRequest | ModerateRequest | DrawRequest | EmbedRequest
)
