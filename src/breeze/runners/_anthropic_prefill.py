"""An answer that was begun: it must not end in white space when it is sent, but it may have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from breeze.contracts.events import ChatEvent, TextDelta
from breeze.contracts.messages import TextPart
from breeze.contracts.requests import ChatRequest


def trimmed(request: ChatRequest) -> tuple[ChatRequest, str]:
    """`request` without white space at the end of the answer it begins, and that white space."""
    *before, last = request.messages
    text = last.text
    kept = text.rstrip()
    if last.role != "assistant" or last.tool_calls or kept == text:
        return request, ""
    content = kept if isinstance(last.content, str) else (TextPart(kept),)
    return replace(request, messages=(*before, replace(last, content=content))), text[len(kept) :]


class Continued:
    """The rest of such an answer: white space that was there already does not come twice."""

    __slots__ = ("_there",)

    def __init__(self, there: str) -> None:
        self._there = there

    def rest(self, events: Iterable[ChatEvent]) -> Iterator[ChatEvent]:
        """`events` without what was there."""
        if not self._there:
            yield from events
            return
        for event in events:
            if not isinstance(event, TextDelta) or not self._there:
                yield event
                continue
            text = event.text
            while text and self._there and text[0] == self._there[0]:
                text, self._there = text[1:], self._there[1:]
            if text:
                self._there = ""
                yield replace(event, text=text)
