"""The small values that events, answers and errors hold: words, findings, usage, attempts."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Metadata = dict[str, Any]


class Event(
    msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", kw_only=True, gc=False
):
    """Base of all events. `partial` is the seeds' flag: true for all but `Finish`."""

    metadata: Metadata | None = None

    @property
    def partial(self) -> bool:
        return True


class Usage(Event, frozen=True, tag="usage", kw_only=False):
    """What the request used; once per stream. `cost` in US dollars when known."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    characters: int = 0
    audio_seconds: float = 0.0
    images: int = 0
    cost: float | None = None

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class TokenLogprob(msgspec.Struct, frozen=True, omit_defaults=True):
    """A token, its natural log probability, and the most likely tokens at its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """A word with its times in seconds, confidence 0 to 1, and its offset in the text if known."""

    text: str
    start: float
    end: float
    confidence: float | None = None
    offset: int | None = None


SafetyStatus = Literal["SAFE", "WARNING", "BLOCKED"]
SafetyAction = Literal["NONE", "REVIEW", "BLOCK"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing a guardian saw: category, score 0 to 1, the rule, and where (code points)."""

    category: str
    score: float
    rule: str = ""
    start: int = 0
    end: int = 0


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try of one runner: why it did not answer, and what it used. `seconds` is wall time."""

    runner: str
    model: str = ""
    code: str = ""
    message: str = ""
    seconds: float = 0.0
    usage: Usage | None = None


class ErrorInfo(msgspec.Struct, frozen=True, omit_defaults=True, tag="error"):
    """A `RunnerError` as data, for the wire and for records. No cause, no traceback, no secret."""

    code: str
    message: str
    status: int
    retryable: bool = False
    field: str = ""
    detail: str = ""
    retry_after: float | None = None
    runner: str = ""
    model: str = ""
    delivered: int = 0
    attempts: tuple[Attempt, ...] = ()
    data: dict[str, Any] = {}
