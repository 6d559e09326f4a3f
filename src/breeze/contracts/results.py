"""From a stream to a whole answer: the only place where events are added up."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from typing import Any, cast

import msgspec

from breeze.contracts.answers import (
    Adjustment,
    Answer,
    ChatAnswer,
    Choice,
    Embeddings,
    FinishReason,
    Moderation,
    Pictures,
    Result,
    Speech,
    Transcription,
)
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import (
    Adjusted,
    AnyEvent,
    AudioChunk,
    Embedding,
    Finish,
    ImageReady,
    ReasoningDelta,
    Redacted,
    Restarted,
    TextDelta,
    ToolCallDelta,
    Transcript,
    Verdict,
)
from breeze.contracts.messages import ToolCall
from breeze.contracts.totals import SPECIFIC
from breeze.contracts.values import TokenLogprob, Usage


class _ChoiceSoFar:
    """What one choice has received."""

    __slots__ = ("calls", "logprobs", "reasoning", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.logprobs: list[TokenLogprob] = []
        self.calls: dict[int, tuple[str, str, list[str]]] = {}

    def choice(self, reason: FinishReason) -> Choice:
        calls = tuple(
            ToolCall(id, name, "".join(arguments) or "{}")
            for _, (id, name, arguments) in sorted(self.calls.items())
        )
        text, reasoning = "".join(self.text), "".join(self.reasoning)
        return Choice(text, reasoning, calls, tuple(self.logprobs), reason)


class Fold:
    """Adds up the events of one stream. `answer` is an empty answer of the right type."""

    __slots__ = ("_answer", "_choices", "_first", "_other", "adjusted", "count", "usage")

    def __init__(self, answer: type[Answer]) -> None:
        self._answer = answer
        self.count = 0
        self.usage: Usage | None = None
        self.adjusted: list[Adjusted] = []
        self._restart()

    def _restart(self) -> None:
        self._first = _ChoiceSoFar()
        self._choices: dict[int, _ChoiceSoFar] = {0: self._first}
        self._other: list[AnyEvent] = []

    def add(self, event: AnyEvent) -> None:
        """Take the next event into account."""
        self.count += 1
        if type(event) is TextDelta and not event.choice and not event.logprobs:
            self._first.text.append(event.text)  # by far the most frequent
        elif (take := _TAKE.get(type(event))) is not None:
            take(self, event)

    def text(self, choice: int = 0) -> str:
        """The text of a choice so far."""
        return "".join(self._choices[choice].text) if choice in self._choices else ""

    def result(self, finish: Finish, **facts: Any) -> Result:
        """The whole answer at the end of the stream; `facts` are common fields such as `runner`."""
        common: dict[str, Any] = {
            "finish_reason": finish.reason,
            "usage": self.usage,
            "metadata": finish.metadata,
        }
        if self.adjusted:
            common["adjustments"] = tuple(
                Adjustment(e.field, e.asked, e.used, e.why) for e in self.adjusted
            )
        return cast(Result, self._answer(**(common | self._specific(finish) | facts)))

    def _specific(self, finish: Finish) -> dict[str, Any]:
        if self._answer is ChatAnswer:
            if len(self._choices) == 1 and 0 in self._choices:
                return {"choices": (self._first.choice(finish.reason),)}
            ordered = (self._choices[i] for i in sorted(self._choices))
            return {"choices": tuple(choice.choice(finish.reason) for choice in ordered)}
        return SPECIFIC[self._answer](self._other)

    def _choice(self, index: int) -> _ChoiceSoFar:
        return self._choices.setdefault(index, _ChoiceSoFar())

    def _take_text(self, event: TextDelta) -> None:
        choice = self._choice(event.choice)
        choice.text.append(event.text)
        choice.logprobs.extend(event.logprobs)

    def _take_reasoning(self, event: ReasoningDelta) -> None:
        self._choice(event.choice).reasoning.append(event.text)

    def _take_call(self, event: ToolCallDelta) -> None:
        calls = self._choice(event.choice).calls
        id, name, arguments = calls.get(event.index, ("", "", []))
        arguments.append(event.arguments)
        calls[event.index] = (id or event.id, name or event.name, arguments)

    def _take_redaction(self, event: Redacted) -> None:
        choice = self._choice(event.choice)
        text = "".join(choice.text)
        choice.text = [text[: event.start] + event.replacement + text[event.end :]]

    def _take_usage(self, event: Usage) -> None:
        self.usage = event

    def _take_restart(self, event: Restarted) -> None:
        self._restart()

    def _take_adjusted(self, event: Adjusted) -> None:
        self.adjusted.append(event)

    def _take_other(self, event: AnyEvent) -> None:
        self._other.append(event)


_TAKE: dict[type, Callable[[Fold, Any], None]] = {
    TextDelta: Fold._take_text,
    ReasoningDelta: Fold._take_reasoning,
    ToolCallDelta: Fold._take_call,
    Redacted: Fold._take_redaction,
    Usage: Fold._take_usage,
    Restarted: Fold._take_restart,
    Adjusted: Fold._take_adjusted,
    Transcript: Fold._take_other,
    AudioChunk: Fold._take_other,
    ImageReady: Fold._take_other,
    Verdict: Fold._take_other,
    Embedding: Fold._take_other,
}


ANSWERS: dict[str, type[Answer]] = {
    "chat": ChatAnswer,
    "transcribe": Transcription,
    "speak": Speech,
    "moderate": Moderation,
    "draw": Pictures,
    "embed": Embeddings,
}
"""The answer type of each runner method."""


async def collect(events: AsyncIterable[Any], answer: type[Answer] = ChatAnswer) -> Result:
    """The whole answer of a stream. Raises what the stream raises.

    A stream that ends without `Finish` was cut: ProcessingError, detail `cut`.
    """
    fold = Fold(answer)
    finish: Finish | None = None
    async for event in events:
        if isinstance(event, Finish):
            finish = event
        fold.add(event)
    if finish is None:
        raise cut(fold.count)
    return finish.result if finish.result is not None else fold.result(finish)


def cut(delivered: int) -> ProcessingError:
    """The error of a stream that stopped without an end."""
    return ProcessingError(
        f"The answer was cut after {delivered} events: the runner ended without finishing. "
        "Send the request again.",
        detail="cut",
        delivered=delivered,
    )


def with_facts(result: Result, **facts: Any) -> Result:
    """A copy of `result` with common facts such as `runner` and `model` set."""
    return msgspec.structs.replace(result, **facts)
