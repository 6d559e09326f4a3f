"""What a stream can carry. Every stream ends in exactly one `Finish`, or in an exception.

All times are seconds from the start of the audio, all text is str, all bytes travel as base64 in
JSON. `metadata` uses the keys of `breeze.contracts.metadata`. `choice` tells which of several
answers an event belongs to (`n` of a chat, 0 else).
"""

from __future__ import annotations

import array
import sys
from collections.abc import Iterable
from typing import Any, Literal, get_args

from breeze.contracts.answers import Result
from breeze.contracts.values import ErrorInfo as ErrorInfo
from breeze.contracts.values import Event as Event
from breeze.contracts.values import Finding as Finding
from breeze.contracts.values import Metadata as Metadata
from breeze.contracts.values import SafetyAction as SafetyAction
from breeze.contracts.values import SafetyStatus as SafetyStatus
from breeze.contracts.values import TokenLogprob as TokenLogprob
from breeze.contracts.values import Usage as Usage
from breeze.contracts.values import Word as Word


class TextDelta(Event, frozen=True, tag="text", kw_only=False):
    """The next piece of text. The pieces of a choice concatenate to its final text."""

    text: str
    choice: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


class ReasoningDelta(Event, frozen=True, tag="reasoning", kw_only=False):
    """The next piece of the model's reasoning, where it shows any.

    `signature`: what its maker wants back with the whole reasoning in the next turn; it comes
    once, mostly with an empty text.
    """

    text: str
    choice: int = 0
    signature: str = ""


class ToolCallDelta(Event, frozen=True, tag="tool_call", kw_only=False):
    """The next piece of a tool call. `index` numbers the calls of a choice from 0.

    `id` and `name` come with the first piece of a call; the pieces of `arguments` concatenate.
    `signature`: what its maker wants back with the call in the next turn.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    choice: int = 0
    signature: str = ""


class Transcript(Event, frozen=True, tag="transcript", kw_only=False):
    """The hypothesis so far of the current segment: it replaces the one before.

    `is_final` closes the segment; the next one has `segment` + 1. Final segments, joined by one
    space, are the whole text.
    """

    text: str
    is_final: bool = False
    segment: int = 0
    start: float = 0.0
    end: float = 0.0
    confidence: float | None = None
    language: str = ""
    words: tuple[Word, ...] = ()


class AudioChunk(Event, frozen=True, tag="audio", kw_only=False):
    """The next bytes of the sound. `index` rises by one from 0; the bytes concatenate.

    `sample_rate` in Hz; `format` names the encoding of the whole (wav, pcm, mp3, …); pcm is
    signed 16-bit little-endian. `words` are those that begin in this chunk.
    """

    data: bytes
    index: int
    sample_rate: int
    channels: int = 1
    format: str = "pcm"
    words: tuple[Word, ...] = ()


class ImageReady(Event, frozen=True, tag="image", kw_only=False):
    """One finished picture, encoded. `index` rises by one from 0; `cost` in US dollars."""

    data: bytes
    index: int
    mime: str
    width: int
    height: int
    seed: int | None = None
    cost: float | None = None
    prompt: int = 0
    file: str = ""
    url: str = ""


class ImageFailed(Event, frozen=True, tag="image_failed", kw_only=False):
    """A picture that could not be made, while others of the same request were.

    `prompt`: the index of its prompt; `number`: which of that prompt's pictures, from 0. `error`
    says why, as it would have been raised. It takes no `index`: those count what is there.
    """

    error: ErrorInfo
    prompt: int = 0
    number: int = 0


class Verdict(Event, frozen=True, tag="verdict", kw_only=False):
    """A guardian's judgement so far; the last one is the verdict. `risk` is 0 to 1.

    `filtered_text` has the offending parts masked; empty when nothing was masked.
    """

    status: SafetyStatus
    risk: float
    categories: tuple[str, ...] = ()
    action: SafetyAction = "NONE"
    filtered_text: str = ""
    findings: tuple[Finding, ...] = ()


class Embedding(Event, frozen=True, tag="embedding", kw_only=False):
    """The vector of text `index` (from 0, rising by one): packed little-endian float32."""

    index: int
    vector: bytes

    @classmethod
    def of(cls, index: int, values: Iterable[float]) -> Embedding:
        """An event from numbers."""
        packed = array.array("f", values)
        if sys.byteorder == "big":
            packed.byteswap()
        return cls(index, packed.tobytes())

    @property
    def values(self) -> list[float]:
        """The numbers of the vector."""
        unpacked = array.array("f", self.vector)
        if sys.byteorder == "big":
            unpacked.byteswap()
        return unpacked.tolist()


class Progress(Event, frozen=True, tag="progress", kw_only=False):
    """How far a long stage is. `total` 0 means unknown; `eta` in seconds."""

    stage: str
    done: float = 0.0
    total: float = 0.0
    eta: float | None = None


ALIVE = Progress("alive")
"""A sign of life without news, for runners whose server sends one, such as a comment in a stream.

It shows nothing but that the connection lives: a stream in which it comes is not taken to have
stalled, but it does not stand for a first event. The engine keeps it to itself.
"""


class Adjusted(Event, frozen=True, tag="adjusted", kw_only=False):
    """A field of the request was not used as asked. Nothing is ever dropped without one."""

    field: str
    asked: Any
    used: Any
    why: str


class Restarted(Event, frozen=True, tag="restarted", kw_only=False):
    """Withdraw what was sent: another runner answers from the beginning."""

    from_runner: str
    to_runner: str
    reason: str
    discard: Literal["all"] = "all"


class Redacted(Event, frozen=True, tag="redacted", kw_only=False):
    """Withdraw a span (code points of the text so far) and put `replacement` in its place."""

    start: int
    end: int
    replacement: str = ""
    why: str = ""
    choice: int = 0


class Finish(Event, frozen=True, tag="finish", kw_only=False):
    """The one end of a stream that succeeded.

    Reasons: stop, length, tool_calls, content_filter. A runner may leave `result` out: the engine
    folds the events before it into one.
    """

    reason: Literal["stop", "length", "tool_calls", "content_filter"] = "stop"
    result: Result | None = None

    @property
    def partial(self) -> bool:
        return False


def joined(first: ChatEvent, second: ChatEvent) -> ChatEvent | None:
    """The two as one where both are text of one answer; None where they are not."""
    if type(first) is not TextDelta or type(second) is not TextDelta:
        return None
    if first.choice != second.choice:
        return None
    return TextDelta(first.text + second.text, first.choice, first.logprobs + second.logprobs)


Common = Progress | Adjusted | Usage | Finish
ChatEvent = TextDelta | ReasoningDelta | ToolCallDelta | Restarted | Redacted | Common
TranscribeEvent = Transcript | Restarted | Common
SpeakEvent = AudioChunk | Restarted | Common
ModerateEvent = Verdict | Restarted | Common
DrawEvent = ImageReady | ImageFailed | Restarted | Common
EmbedEvent = Embedding | Restarted | Common
EVENTS: dict[str, tuple[type, ...]] = {
    "chat": get_args(ChatEvent),
    "transcribe": get_args(TranscribeEvent),
    "speak": get_args(SpeakEvent),
    "moderate": get_args(ModerateEvent),
    "draw": get_args(DrawEvent),
    "embed": get_args(EmbedEvent),
}
"""The events that each runner method may yield."""

AnyEvent = (
    TextDelta | ReasoningDelta | ToolCallDelta | Transcript | AudioChunk | ImageReady | ImageFailed
    | Verdict | Embedding | Progress | Adjusted | Restarted | Redacted | Usage | Finish
)  # fmt: skip
