"""One frozen request type per capability.

Requests are immutable and travel as JSON, byte-equal both ways (`breeze.contracts.wire`). What is
None or empty is the runner's choice. `problems()` lists everything that is wrong, at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterator
from typing import Any, Literal

from breeze.contracts.capability import Capability
from breeze.contracts.chat import ChatRequest as ChatRequest
from breeze.contracts.events import (
    DrawEvent,
    EmbedEvent,
    ModerateEvent,
    SpeakEvent,
    TranscribeEvent,
)
from breeze.contracts.messages import Message
from breeze.contracts.request import AUTO as AUTO
from breeze.contracts.request import GuardianOptions as GuardianOptions
from breeze.contracts.request import Problem, between
from breeze.contracts.request import Request as Request
from breeze.contracts.request import new_id as new_id


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

    `size` is `WIDTHxHEIGHT` in pixels, 16-8192 each; empty is the runner's choice. Steps 1-1000,
    guidance 0-100. `keys`: one for each prompt, where work may be asked for again after a crash:
    a runner that remembers does not do, or bill, the same key twice.
    """

    capability = Capability.IMAGE

    prompts: tuple[str, ...]
    size: str = ""
    count: int = 1
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    format: Literal["png", "jpeg", "webp"] = "png"
    negative_prompt: str = ""
    keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, prompt: str, **fields: Any) -> DrawRequest:
        """One prompt."""
        return cls((prompt,), **fields)

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height, 512 each when nobody said. Raises ValueError for another form."""
        width, height = (self.size or "512x512").lower().split("x")
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
        if self.keys and (len(self.keys) != len(self.prompts) or not all(self.keys)):
            yield "keys", f"must be {len(self.prompts)}, one for each prompt, none of them empty"
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
