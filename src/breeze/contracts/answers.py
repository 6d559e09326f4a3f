"""Whole answers: what a stream adds up to, one type per capability."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from breeze.contracts.errors import Attempt
from breeze.contracts.messages import ToolCall
from breeze.contracts.values import (
    ErrorInfo,
    Finding,
    Metadata,
    SafetyAction,
    SafetyStatus,
    TokenLogprob,
    Usage,
    Word,
)

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Adjustment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A field that was not used as asked, and why."""

    field: str
    asked: Any
    used: Any
    why: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type"):
    """What every whole answer carries.

    `runner` and `model` are those that really answered; `mock` is true when a mock did;
    `decision` is the id under which `explain` shows why; `attempts` lists the tries that failed.
    """

    request_id: str = ""
    runner: str = ""
    model: str = ""
    mock: bool = False
    decision: str = ""
    finish_reason: FinishReason = "stop"
    usage: Usage | None = None
    adjustments: tuple[Adjustment, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    metadata: Metadata | None = None


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the `n` answers of a chat."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    finish_reason: FinishReason = "stop"
    reasoning_signature: str = ""


class ChatAnswer(Answer, frozen=True, tag="chat"):
    """Text, reasoning and tool calls. The first choice is reachable directly."""

    choices: tuple[Choice, ...] = (Choice(),)

    @property
    def text(self) -> str:
        return self.choices[0].text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return self.choices[0].tool_calls


class Segment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One utterance of a transcription; times in seconds."""

    text: str
    start: float = 0.0
    end: float = 0.0
    confidence: float | None = None
    words: tuple[Word, ...] = ()


class Transcription(Answer, frozen=True, tag="transcription"):
    """Everything that was said. `duration` in seconds of audio."""

    text: str = ""
    segments: tuple[Segment, ...] = ()
    language: str = ""
    duration: float = 0.0

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for segment in self.segments for word in segment.words)


class Speech(Answer, frozen=True, tag="speech"):
    """The whole sound, encoded as `format`. `duration` in seconds, 0 when unknown."""

    audio: bytes = b""
    format: str = "pcm"
    sample_rate: int = 0
    channels: int = 1
    duration: float = 0.0
    words: tuple[Word, ...] = ()


class Moderation(Answer, frozen=True, tag="moderation"):
    """The verdict."""

    status: SafetyStatus = "SAFE"
    risk: float = 0.0
    categories: tuple[str, ...] = ()
    action: SafetyAction = "NONE"
    filtered_text: str = ""
    findings: tuple[Finding, ...] = ()


class Picture(msgspec.Struct, frozen=True, omit_defaults=True):
    """One image, encoded. `prompt` is the index of the prompt it answers."""

    data: bytes
    mime: str
    width: int
    height: int
    seed: int | None = None
    cost: float | None = None
    prompt: int = 0
    file: str = ""
    url: str = ""


class FailedPicture(msgspec.Struct, frozen=True, omit_defaults=True):
    """A picture that could not be made, and why: number `number` of prompt `prompt`."""

    error: ErrorInfo
    prompt: int = 0
    number: int = 0


class Pictures(Answer, frozen=True, tag="pictures"):
    """The images, in the order asked. `failures`: those of the same request that came to nothing.

    A request of which nothing came to be is an error instead.
    """

    images: tuple[Picture, ...] = ()
    failures: tuple[FailedPicture, ...] = ()


class Embeddings(Answer, frozen=True, tag="embeddings"):
    """One vector a text, in the order asked: packed little-endian float32."""

    vectors: tuple[bytes, ...] = ()


Result = ChatAnswer | Transcription | Speech | Moderation | Pictures | Embeddings
