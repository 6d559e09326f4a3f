"""Answering once more what a caller has the beginning of: to compare, to withdraw, or to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from breeze.contracts.chat import ChatRequest
from breeze.contracts.events import (
    Adjusted,
    Progress,
    Restarted,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from breeze.contracts.messages import Message
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import Request

NO_OUTPUT = (Adjusted, Progress, Usage)
"""Events that do not prove the runner real. All but progress are held until output does."""
NOTHING = TextDelta("")
"""Another that does not: with it a runner says no more than that it is going to answer."""


def since_restart(events: Sequence[Any]) -> Sequence[Any]:
    """What a caller has got, and was not told to withdraw."""
    for place in range(len(events), 0, -1):
        if type(events[place - 1]) is Restarted:
            return events[place:]
    return events


def shown(events: Sequence[Any]) -> list[Any]:
    """The output among that."""
    return [event for event in since_restart(events) if type(event) not in NO_OUTPUT]


def calls_a_tool(events: Sequence[Any]) -> bool:
    """Whether the caller was told to call a tool, which it may have done by now."""
    return any(type(event) is ToolCallDelta for event in events)


def text_of(events: Sequence[Any]) -> str | None:
    """The text that `events` add up to; None when they are more than one plain text."""
    plain = all(type(e) is TextDelta and not (e.choice or e.logprobs) for e in events)
    return "".join([event.text for event in events]) if plain else None


class Beginning(Protocol):
    """What was delivered, against which a new beginning is held."""

    def take(self, event: Any) -> Sequence[Any] | None:
        """What goes out because of `event`, the comparison being over; None while it is not."""

    def end(self) -> Sequence[Any]:
        """What goes out when the new answer ends within the comparison."""


def beginning(events: Sequence[Any], withdrawn: Restarted) -> Beginning:
    """For a new answer to be held against `events`. `withdrawn` is said when it is another one."""
    text = text_of(events)
    return SameEvents(events, withdrawn) if text is None else SameText(text, withdrawn)


class SameText:
    """Holds a text back as long as it is what was delivered, however it is cut to pieces."""

    def __init__(self, text: str, withdrawn: Restarted | None) -> None:
        self._left = text
        self._withdrawn = (withdrawn,) if withdrawn is not None else ()
        self._held: list[Any] = []

    def take(self, event: Any) -> Sequence[Any] | None:
        left = self._left
        if type(event) is TextDelta and not (event.choice or event.logprobs):
            if left.startswith(event.text):
                self._left = left[len(event.text) :]
                self._held.append(event)
                return None if self._left else ()
            if event.text.startswith(left):
                return (msgspec.structs.replace(event, text=event.text[len(left) :]),)
        return (*self._withdrawn, *self._held, event)

    def end(self) -> Sequence[Any]:
        return (*self._withdrawn, *self._held)


class SameEvents:
    """Holds events back as long as they equal those delivered, one by one."""

    def __init__(self, events: Sequence[Any], withdrawn: Restarted) -> None:
        self._events = events
        self._withdrawn = withdrawn
        self._same = 0

    def take(self, event: Any) -> Sequence[Any] | None:
        if event != self._events[self._same]:
            return (*self.end(), event)
        self._same += 1
        return None if self._same < len(self._events) else ()

    def end(self) -> Sequence[Any]:
        return (self._withdrawn, *self._events[: self._same])


class Gone(msgspec.Struct):
    """A request that goes on from `text`, which is that of `request` without the blanks at its end.

    Servers refuse an assistant's turn that ends in blanks; `blanks` may come again.
    """

    request: ChatRequest
    blanks: str
    notes: tuple[Adjusted, ...]


def going_on(request: Request[Any], events: Sequence[Any], old: str, new: str) -> Gone | None:
    """`request` with what was delivered as the beginning of its answer, from `old` to `new`.

    None when it cannot be gone on with: it must be one plain text, which nothing has a form for.
    """
    text = text_of(events)
    if (
        not isinstance(request, ChatRequest)
        or not text
        or not text.strip()
        or not _is_free(request)
    ):
        return None
    begun = text.rstrip()
    notes = [Adjusted("runner", old, new, f"{old} stopped amid its answer, and {new} goes on")]
    changes: dict[str, Any] = {"messages": _begun(request.messages, begun)}
    if request.max_tokens is not None:
        rest = max(1, request.max_tokens - len(events))
        why = "what was delivered before counts, a piece as a token"
        notes.append(Adjusted("max_tokens", request.max_tokens, rest, why))
        changes["max_tokens"] = rest
    changed = msgspec.structs.replace(request, **changes)
    return Gone(changed, text[len(begun) :], tuple(notes))


def _is_free(request: ChatRequest) -> bool:
    form = request.response_format
    one = request.n == 1 and not request.logprobs
    return one and not request.tools and (form is None or form.kind == "text")


def _begun(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """The conversation whose last turn the assistant has begun with `text`."""
    if messages[-1].role != "assistant":
        return (*messages, Message("assistant", text))
    last = messages[-1]
    return (*messages[:-1], msgspec.structs.replace(last, content=last.text + text))


def for_another(
    request: Request[Any], parameters: Parameters, name: str
) -> tuple[Request[Any], list[Adjusted]]:
    """`request` without those of its parameters that `name`, who stands in, does not have."""
    facts = type(parameters).facts
    unknown = [key for key in request.params if key not in facts or not facts[key].per_request]
    if not unknown:
        return request, []
    why = f"{name} stands in, and has no such parameter"
    notes = [Adjusted(f"params.{key}", request.params[key], None, why) for key in unknown]
    known = {key: value for key, value in request.params.items() if key not in unknown}
    return msgspec.structs.replace(request, params=known), notes
