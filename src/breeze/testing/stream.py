"""What every stream must obey, as a wrapper that lets the events through.

    async for event in checked(runner.stream(request), "chat"):
        ...                                # raises BrokenStream at the first broken rule

Rules that need to remember something are in `breeze.testing.stream_rules`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from breeze.contracts.capability import METHODS
from breeze.contracts.events import (
    EVENTS,
    Adjusted,
    Finish,
)
from breeze.contracts.metadata import KEYS
from breeze.contracts.results import ANSWERS, Fold
from breeze.contracts.wire import decode_event, encode
from breeze.testing.stream_rules import Broken, Memory
from breeze.testing.values import odd_value
from breeze.testing.whole import difference

RULES: dict[str, str] = {
    "stream.finish": "it ends with Finish; a stream that just ends was cut",
    "stream.nothing-after": "nothing comes after Finish",
    "stream.event-types": "only the events that its request names",
    "stream.partial": "every event is partial but Finish",
    "stream.indexes": "indexes begin at 0 and rise by one",
    "stream.tool-calls": "a tool call begins with its id and name, and calls are numbered from 0",
    "stream.segments": "a final transcript closes its segment, and no segment stays open",
    "stream.audio-form": "rate, channels and format stay the same over all chunks",
    "stream.usage-once": "usage is reported at most once",
    "stream.metadata": "metadata has only the keys of breeze.contracts.metadata",
    "stream.values": "numbers are in their ranges: risk, confidence, times, sizes, vectors",
    "stream.travels": "each event can be written as JSON and read back equal",
    "stream.whole": "the events add up to the result that Finish carries",
}
"""Every rule of a stream."""


class BrokenStream(AssertionError):
    """A stream broke `rule`, at the event number `at` (from 0)."""

    def __init__(self, rule: str, message: str, at: int) -> None:
        super().__init__(f"{rule}: {message} (event {at}; the rule: {RULES[rule]})")
        self.rule = rule
        self.message = message
        self.at = at


class Checker:
    """Checks one stream event by event: `take` each, then `end`. Raises BrokenStream."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._fold = Fold(ANSWERS[method])
        self._memory = Memory()
        self._at = -1
        self._finished = False

    def take(self, event: Any) -> None:
        """The next event."""
        self._at += 1
        if self._finished:
            self._break("stream.nothing-after", f"{_name(event)} came after Finish")
        self._check_kind(event)
        self._check_form(event)
        try:
            self._memory.take(event)
        except Broken as broken:
            self._break(broken.rule, broken.message)
        self._fold.add(event)
        if isinstance(event, Finish):
            self._finished = True
            self._check_end(event)

    def end(self) -> None:
        """The stream gave nothing more."""
        if not self._finished:
            self._at += 1
            self._break("stream.finish", f"it ended after {self._at} events without Finish")

    def _check_kind(self, event: Any) -> None:
        if not isinstance(event, EVENTS[self._method]):
            self._break("stream.event-types", f"{self._method} yielded {_name(event)}")
        if event.partial is isinstance(event, Finish):
            self._break("stream.partial", f"{_name(event)}.partial is {event.partial}")

    def _check_form(self, event: Any) -> None:
        for key in event.metadata or ():
            known = KEYS.get(key)
            if known is None or all(METHODS[c] != self._method for c in known.capabilities):
                self._break("stream.metadata", f"{key!r} is not a key of {self._method}")
        if odd := odd_value(event):
            self._break("stream.values", f"{_name(event)}: {odd}")
        if why := _stays_home(event):
            self._break("stream.travels", f"{_name(event)}: {why}")

    def _check_end(self, finish: Finish) -> None:
        if self._memory.open_segment is not None:
            segment = self._memory.open_segment
            self._break("stream.segments", f"segment {segment} was never closed by is_final")
        if finish.result is not None:
            added = self._fold.result(msgspec.structs.replace(finish, result=None))
            if unlike := difference(added, finish.result):
                self._break("stream.whole", unlike)

    def _break(self, rule: str, message: str) -> None:
        raise BrokenStream(rule, message, self._at)


async def checked(events: AsyncGenerator[Any], method: str) -> AsyncGenerator[Any]:
    """The same events, checked. `method` is the runner method they come from, such as `chat`.

    Raises BrokenStream, and whatever `events` raises; closing it closes `events`.
    """
    checker = Checker(method)
    async with aclosing(events):
        async for event in events:
            checker.take(event)
            yield event
    checker.end()


def _name(event: Any) -> str:
    return type(event).__name__


def _stays_home(event: Any) -> str:
    """Why `event` cannot travel as JSON; what may hold anything need only look the same there."""
    try:
        sent = encode(event)
        again = decode_event(sent)
    except Exception as error:  # whatever an encoder may raise is the finding
        return str(error)
    same = _typed(again) == _typed(event) and _plain(encode(again)) == _plain(sent)
    return "" if same else f"reads back as {again!r}"


_plain = msgspec.json.decode


def _typed(event: Any) -> Any:
    loose = ("metadata", "asked", "used") if isinstance(event, Adjusted) else ("metadata",)
    return msgspec.structs.replace(event, **dict.fromkeys(loose))
