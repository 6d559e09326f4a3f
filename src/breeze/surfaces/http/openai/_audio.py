"""What the audio routes share: the first output, and fields under the caller's own names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from breeze.contracts.answers import Adjustment
from breeze.contracts.dialects.openai_reading import renamed
from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import Adjusted, AnyEvent, Finish, Restarted, Usage
from breeze.contracts.results import cut
from breeze.engine.stream import EventStream
from breeze.surfaces.http.reply import Facts

Names = dict[str, str]
"""Our name of a field -> the caller's."""


class Opening:
    """The start of a stream: its first output, and what was said before it.

    `first` is an event of the wanted type, or the Finish of a stream that had none.
    """

    __slots__ = ("adjustments", "first", "usage")

    def __init__(self, adjustments: tuple[Adjustment, ...]) -> None:
        self.adjustments = list(adjustments)
        self.usage: Usage | None = None
        self.first: AnyEvent

    def note(self, event: AnyEvent) -> None:
        """Keep `event` for the end, when it is an adjustment or the usage."""
        if isinstance(event, Adjusted):
            self.adjustments.append(Adjustment(event.field, event.asked, event.used, event.why))
        elif isinstance(event, Usage):
            self.usage = event


async def opened(
    events: EventStream[Any], output: type[AnyEvent], aside: tuple[Adjustment, ...], names: Names
) -> Opening:
    """Wait for the first `output`: until it comes, a failure is a status of its own.

    Raises RunnerError, its field as the caller knows it; the stream is closed then.
    """
    opening = Opening(aside)
    try:
        with named(names):
            async for event in events:
                if isinstance(event, output | Finish):
                    opening.first = event
                    return opening
                opening.note(event)
            raise cut(events.route.delivered)
    except BaseException:
        await events.aclose()
        raise


@contextmanager
def named(names: Names) -> Iterator[None]:
    """Errors from inside tell a field by the name under which the caller gave it."""
    try:
        yield
    except RunnerError as error:
        renamed(error, names)
        raise


def facts_of(facts: Facts, adjustments: tuple[Adjustment, ...]) -> Facts:
    """`facts` that list exactly these adjustments."""
    return msgspec.structs.replace(facts, adjusted=tuple(a.field for a in adjustments))


def withdrawn(event: Restarted) -> ProcessingError:
    """What was sent here cannot be taken back, so a stream that begins again ends instead."""
    return ProcessingError(
        f"{event.from_runner} stopped amid its answer ({event.reason}): send the request again.",
        detail="cut",
    )
