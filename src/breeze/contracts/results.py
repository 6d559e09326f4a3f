"""From a stream to a whole answer: the only place where events are added up."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from types import MappingProxyType
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
from breeze.contracts.errors import Attempt, ProcessingError
from breeze.contracts.events import (
    Adjusted,
    AnyEvent,
    AudioChunk,
    Embedding,
    Finish,
    ImageFailed,
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
from breeze.contracts.values import Metadata, TokenLogprob, Usage


class Fold:
    """The events of one stream, and what they add up to. `answer` is the type of that."""

    __slots__ = ("_answer", "add", "events")

    def __init__(self, answer: type[Answer]) -> None:
        self._answer = answer
        self.events: list[AnyEvent] = []
        self.add: Callable[[AnyEvent], None] = self.events.append
        """Take the next event into account."""

    @property
    def count(self) -> int:
        """How many events there were."""
        return len(self.events)

    @property
    def adjusted(self) -> Sequence[Adjusted]:
        """What of the request was not used as asked."""
        if Adjusted not in map(type, self.events):
            return ()
        found: list[Adjusted] = []
        for event in self.events:
            if type(event) is Adjusted:
                found.append(event)
            elif type(event) is Restarted:
                found.clear()
        return found

    def text(self, choice: int = 0) -> str:
        """The text of a choice so far."""
        return "".join(_Sum(self.events).choice(choice).text)

    def result(
        self,
        finish: Finish,
        *,
        request_id: str = "",
        runner: str = "",
        model: str = "",
        mock: bool = False,
        decision: str = "",
        attempts: tuple[Attempt, ...] = (),
        metadata: Metadata | None = None,
    ) -> Result:
        """The whole answer at the end of the stream, with what is known of who gave it."""
        added = _Sum(self.events)
        answer = self._answer(
            request_id=request_id,
            runner=runner,
            model=model,
            mock=mock,
            decision=decision,
            finish_reason=finish.reason,
            usage=added.usage,
            adjustments=added.adjustments,
            attempts=attempts,
            metadata=metadata or finish.metadata,
        )
        if self._answer is ChatAnswer:
            choices = added.choices(finish.reason)
            return cast(Result, msgspec.structs.replace(answer, choices=choices))
        own = SPECIFIC[self._answer](added.other)
        return cast(Result, msgspec.structs.replace(answer, **own))


class _ChoiceSoFar:
    """What one choice has received."""

    __slots__ = ("calls", "logprobs", "reasoning", "signature", "text")

    def __init__(self, text: list[str]) -> None:
        self.text = text
        self.reasoning: list[str] = []
        self.logprobs: list[TokenLogprob] = []
        self.calls: dict[int, tuple[str, str, list[str], str]] = {}
        self.signature = ""

    def told(self, reason: FinishReason) -> Choice:
        calls = tuple(
            ToolCall(id, name, "".join(arguments) or "{}", signature)
            for _, (id, name, arguments, signature) in sorted(self.calls.items())
        )
        text, reasoning = "".join(self.text), "".join(self.reasoning)
        return Choice(text, reasoning, calls, tuple(self.logprobs), reason, self.signature)


class _Sum:
    """What some events add up to. A restart leaves nothing of what was sent before it."""

    usage: Usage | None = None
    adjustments: tuple[Adjustment, ...] = ()
    _odd: Mapping[int, _ChoiceSoFar] = MappingProxyType({})
    """The choices, as soon as there is more than the text of the first."""

    def __init__(self, events: list[AnyEvent]) -> None:
        self._texts: list[str] = []
        self.other: list[AnyEvent] = []
        add = self._texts.append
        for event in events:
            if type(event) is TextDelta and not event.choice and not event.logprobs:
                add(event.text)  # by far the most frequent
            elif type(event) is Usage:
                self.usage = event
            elif (take := _TAKE.get(type(event))) is not None:
                take(self, event)

    def choices(self, reason: FinishReason) -> tuple[Choice, ...]:
        """The choices in their order; there is always a first."""
        if not self._odd:
            return (Choice("".join(self._texts), "", (), (), reason),)
        self.choice(0)
        return tuple(choice.told(reason) for _, choice in sorted(self._odd.items()))

    def choice(self, index: int) -> _ChoiceSoFar:
        """What choice `index` has received."""
        if index not in self._odd:
            self._odd = {**self._odd, index: _ChoiceSoFar(self._texts if index == 0 else [])}
        return self._odd[index]

    def take_text(self, event: TextDelta) -> None:
        choice = self.choice(event.choice)
        choice.text.append(event.text)
        choice.logprobs.extend(event.logprobs)

    def take_reasoning(self, event: ReasoningDelta) -> None:
        choice = self.choice(event.choice)
        choice.reasoning.append(event.text)
        choice.signature = event.signature or choice.signature

    def take_call(self, event: ToolCallDelta) -> None:
        calls = self.choice(event.choice).calls
        id, name, arguments, signature = calls.get(event.index, ("", "", [], ""))
        arguments.append(event.arguments)
        signature = event.signature or signature
        calls[event.index] = (id or event.id, name or event.name, arguments, signature)

    def take_redaction(self, event: Redacted) -> None:
        texts = self.choice(event.choice).text
        text = "".join(texts)
        texts[:] = [text[: event.start] + event.replacement + text[event.end :]]

    def take_restart(self, event: Restarted) -> None:
        self._texts.clear()
        self._odd = {}
        self.other.clear()
        self.usage, self.adjustments = None, ()

    def take_adjusted(self, event: Adjusted) -> None:
        self.adjustments += (Adjustment(event.field, event.asked, event.used, event.why),)

    def take_other(self, event: AnyEvent) -> None:
        self.other.append(event)


_TAKE: dict[type, Callable[[_Sum, Any], None]] = {
    TextDelta: _Sum.take_text,
    ReasoningDelta: _Sum.take_reasoning,
    ToolCallDelta: _Sum.take_call,
    Redacted: _Sum.take_redaction,
    Restarted: _Sum.take_restart,
    Adjusted: _Sum.take_adjusted,
    Transcript: _Sum.take_other,
    AudioChunk: _Sum.take_other,
    ImageReady: _Sum.take_other,
    ImageFailed: _Sum.take_other,
    Verdict: _Sum.take_other,
    Embedding: _Sum.take_other,
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
