"""The requests that the conformance kit sends: short and long ones, bare ones, and full ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.messages import ImagePart, Message, ResponseFormat, TextPart, Tool
from breeze.contracts.request import Request, new_id
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.testing.media import png, wav

AnySample = Request[Any]
_SENTENCE = "The quick brown fox jumps over the lazy dog. "


def seeing(text: str, picture: bytes, **fields: Any) -> ChatRequest:
    """A question about a picture."""
    return ChatRequest((Message("user", (TextPart(text), ImagePart(picture))),), **fields)


def _short() -> dict[Capability, AnySample]:
    return {
        Capability.LLM: ChatRequest.of("Say hello to the engine.", max_tokens=16, seed=1),
        Capability.VLM: seeing("What is in this picture?", png(64, 48), max_tokens=16, seed=1),
        Capability.ASR: TranscribeRequest(audio=wav(1.0)),
        Capability.TTS: SpeakRequest(_SENTENCE),
        Capability.GUARDIAN: ModerateRequest("A friendly greeting to everybody."),
        Capability.IMAGE: DrawRequest.of("a lighthouse at dusk", size="64x64"),
        Capability.EMBEDDING: EmbedRequest.of("a lighthouse", "the sea at night"),
    }


def _long() -> dict[Capability, AnySample]:
    count = "Count from one to two hundred in words."
    return {
        Capability.LLM: ChatRequest.of(count, max_tokens=64, seed=1),
        Capability.VLM: seeing(count, png(64, 48), max_tokens=64, seed=1),
        Capability.ASR: TranscribeRequest(audio=wav(5.0)),
        Capability.TTS: SpeakRequest(_SENTENCE * 20),
        Capability.GUARDIAN: ModerateRequest("A friendly greeting. " * 100),
        Capability.IMAGE: DrawRequest.of("a lighthouse at dusk", size="64x64", count=4),
        Capability.EMBEDDING: EmbedRequest(tuple(f"sea number {i}" for i in range(40))),
    }


_FULL: dict[Capability, dict[str, Any]] = {
    Capability.LLM: {
        "max_tokens": 8, "seed": 3, "stop": ("zzz",), "n": 2, "temperature": 0.5, "top_p": 0.9,
        "top_k": 5, "presence_penalty": 0.1, "frequency_penalty": 0.1, "logit_bias": {"7": 1.0},
        "logprobs": True, "top_logprobs": 2, "reasoning_effort": "low",
        "response_format": ResponseFormat("json_object"),
        "tools": (Tool("weather", "Tells the weather."),),
    },
    Capability.ASR: {
        "language": "en-GB", "prompt": "Engine", "timestamps": "segment", "temperature": 0.2,
    },
    Capability.TTS: {
        "speed": 1.5, "format": "pcm", "language": "en-GB", "sample_rate": 22_050,
        "instructions": "Whisper.",
    },
    Capability.GUARDIAN: {"categories": ("violence",), "strictness": "high"},
    Capability.IMAGE: {
        "count": 2, "steps": 4, "guidance": 5.0, "seed": 3, "format": "webp",
        "negative_prompt": "people",
    },
    Capability.EMBEDDING: {"dimensions": 16},
}  # fmt: skip
"""Every optional field of each request, with a value that is not its default."""


class Samples:
    """What the kit sends. Give your own where the built-in ones do not suit a runner.

    `short` and `long` by capability: an ordinary request, and one with much to answer. Requests
    with a `live` source cannot be sent twice and so cannot be samples.
    """

    def __init__(
        self,
        short: Mapping[Capability, AnySample] | None = None,
        long: Mapping[Capability, AnySample] | None = None,
    ) -> None:
        self._short = _short() | dict(short or {})
        self._long = _long() | dict(short or {}) | dict(long or {})

    def short(self, capability: Capability) -> AnySample:
        """An ordinary request."""
        return self._short[capability]

    def long(self, capability: Capability) -> AnySample:
        """A request with much to answer, to be cancelled on the way."""
        return self._long[capability]

    def bare(self, capability: Capability) -> AnySample:
        """The short request without any of its options, so that the runner's own ones count."""
        sample = self._short[capability]
        fields = {f.name: f for f in msgspec.structs.fields(type(sample))}
        plain = {name: fields[name].default for name in self.options(capability)}
        plain = {n: v if v is not msgspec.NODEFAULT else {} for n, v in plain.items()}
        keep = {"sample_rate"} if isinstance(sample, TranscribeRequest) else set[str]()
        return renewed(sample, **{n: v for n, v in plain.items() if n not in keep})

    def full(self, capability: Capability, *, without: tuple[str, ...] = ()) -> AnySample:
        """The short request with every option given, but those in `without`."""
        options = self.options(capability)
        return renewed(
            self._short[capability], **{n: v for n, v in options.items() if n not in without}
        )

    def options(self, capability: Capability) -> dict[str, Any]:
        """The options of the request and the values that `full` gives them."""
        return _FULL[Capability.LLM if capability is Capability.VLM else capability]

    def calling(self, capability: Capability) -> AnySample:
        """The short chat request, insisting on a call of its one tool."""
        place = {"type": "object", "properties": {"place": {"type": "string"}}}
        tool = Tool("weather", "Tells the weather of a place.", {**place, "required": ["place"]})
        short = self._short[capability]
        return renewed(short, tools=(tool,), tool_choice="required", max_tokens=64)

    def varied(self, capability: Capability, number: int) -> AnySample:
        """The short request with another text for each `number`, where it has a text."""
        return reworded(self._short[capability], lambda text: f"{text} Number {number}.")


def reworded(sample: AnySample, word: Callable[[str], str]) -> AnySample:
    """`sample` with `word(text)` in the place of its text."""
    if isinstance(sample, ChatRequest):
        *before, last = sample.messages
        parts = tuple(TextPart(word(p.text)) if isinstance(p, TextPart) else p for p in last.parts)
        return renewed(sample, messages=(*before, msgspec.structs.replace(last, content=parts)))
    if isinstance(sample, SpeakRequest | ModerateRequest):
        return renewed(sample, text=word(sample.text))
    if isinstance(sample, DrawRequest):
        return renewed(sample, prompts=tuple(map(word, sample.prompts)))
    if isinstance(sample, EmbedRequest):
        return renewed(sample, texts=tuple(map(word, sample.texts)))
    return renewed(sample)


def renewed(sample: AnySample, **fields: Any) -> AnySample:
    """A copy with an id of its own and with `fields` changed."""
    return msgspec.structs.replace(sample, id=new_id(), **fields)
