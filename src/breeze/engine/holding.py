"""Holds what comes in pieces until it is certain that no secret is split between two of them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec

from breeze.contracts.events import ReasoningDelta, Restarted, TextDelta, ToolCallDelta
from breeze.contracts.redaction import MASK, secret_spans

_BOUNDARY = re.compile(r"[\s\"',;\u2e80-\uffdc]")
"""A character at which a secret ends."""
_CONTEXT, _LONG_CONTEXT = 256, 4_600
"""Characters before a piece that tell whether it is one: a label, or the head of a key."""
_HEAD = "-----BEGIN"
_MOST = 8_192
"""Characters without an end that are held."""
_FIELDS: dict[type, str] = {TextDelta: "text", ReasoningDelta: "text", ToolCallDelta: "arguments"}


class _Held:
    """One event and its time. `ready`: it may be written."""

    __slots__ = ("event", "ready", "text", "time")

    def __init__(self, time: float, event: Any, text: str, *, ready: bool) -> None:
        self.time = time
        self.event = event
        self.text = text
        self.ready = ready


class _Tail:
    """The end of one text: what was written of it last, and what is held."""

    __slots__ = ("context", "held")

    def __init__(self) -> None:
        self.context = ""
        self.held: list[_Held] = []


class Holding:
    """`take` each event; it gives those that may be written now, in order, without secrets."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = tuple(known)
        self._queue: deque[_Held] = deque()
        self._tails: dict[tuple[Any, ...], _Tail] = {}

    def take(self, time: float, event: Any) -> list[tuple[float, Any]]:
        """The events that are certain now that `event` came at `time`."""
        field = _FIELDS.get(type(event))
        text = getattr(event, field) if field else ""
        held = _Held(time, event, text, ready=not text)
        if type(event) is Restarted:  # no text goes on beyond it
            self._settle_all()
            self._tails.clear()
        self._queue.append(held)
        if text:
            key = type(event), event.choice, getattr(event, "index", 0)
            tail = self._tails.setdefault(key, _Tail())
            tail.held.append(held)
            self._settle(tail, self._certain(tail))
        return self._released()

    def rest(self) -> list[tuple[float, Any]]:
        """All that is held: nothing more will come."""
        self._settle_all()
        return self._released()

    def _settle_all(self) -> None:
        for tail in self._tails.values():
            self._settle(tail, len(tail.held))

    def _certain(self, tail: _Tail) -> int:
        """How many of the held pieces end before the last boundary."""
        text = "".join(held.text for held in tail.held)
        if len(text) > _MOST:
            return len(tail.held)
        boundary = max((found.end() for found in _BOUNDARY.finditer(text)), default=0)
        end = count = 0
        for held in tail.held:
            end += len(held.text)
            if end > boundary:
                break
            count += 1
        return count

    def _settle(self, tail: _Tail, count: int) -> None:
        """Take the secrets out of the first `count` pieces; they may be written."""
        if not count:
            return
        text = tail.context + "".join(held.text for held in tail.held)
        spans = secret_spans(text, self._known)
        start = len(tail.context)
        for held in tail.held[:count]:
            end = start + len(held.text)
            _mask(held, start, [(a, b) for a, b in spans if a < end and b > start])
            held.ready, start = True, end
        del tail.held[:count]
        before = text[:start]
        long = _HEAD in before[-_LONG_CONTEXT:]
        tail.context = before[-_LONG_CONTEXT if long else -_CONTEXT :]

    def _released(self) -> list[tuple[float, Any]]:
        found = []
        while self._queue and self._queue[0].ready:
            held = self._queue.popleft()
            if held.event is not None:
                found.append((held.time, held.event))
        return found


def _mask(held: _Held, start: int, spans: list[tuple[int, int]]) -> None:
    """Mask the `spans` in a piece that begins at `start`; one of which nothing is left goes."""
    if not spans:
        return
    text = held.text
    for a, b in reversed(spans):
        mask = MASK if a >= start else ""  # the piece before has it
        text = f"{text[: max(0, a - start)]}{mask}{text[b - start :]}"
    changes: dict[str, Any] = {_FIELDS[type(held.event)]: text}
    if isinstance(held.event, TextDelta):
        changes["logprobs"] = ()  # they hold the text too
    named = isinstance(held.event, ToolCallDelta) and (held.event.id or held.event.name)
    held.event = msgspec.structs.replace(held.event, **changes) if text or named else None
