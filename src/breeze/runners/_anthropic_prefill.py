"""An answer that was begun: it must not end in white space when it is sent, but it may have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from breeze.contracts.events import ChatEvent, TextDelta
from breeze.contracts.messages import TextPart
from breeze.contracts.requests import ChatRequest
from breeze.runners._json_reply import ObjectReader


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
    """Reads the rest of such an answer: white space that was `there` already comes only once."""

    __slots__ = ("_reader", "_there", "over")

    def __init__(self, reader: ObjectReader, there: str) -> None:
        self._reader = reader
        self._there = there
        self.over = False

    def read(self, found: Any) -> list[ChatEvent]:
        """The events of one object."""
        events = list(self._rest(self._reader.read(found)))
        self.over = self._reader.over
        return events

    def end(self) -> list[ChatEvent]:
        """Those after the last."""
        return list(self._rest(self._reader.end()))

    def _rest(self, events: Iterable[ChatEvent]) -> Iterator[ChatEvent]:
        """`events` without what was there."""
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
