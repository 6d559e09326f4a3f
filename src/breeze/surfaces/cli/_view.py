"""The view of a person: the matter on standard output, everything beside it on standard error."""

from __future__ import annotations

import sys
import time
from typing import Any

from breeze.contracts.answers import Result
from breeze.contracts.errors import CancelledError, RunnerError
from breeze.contracts.events import Adjusted, AnyEvent, Finish, Progress, Restarted
from breeze.contracts.values import Usage
from breeze.surfaces.cli._progress import Bar
from breeze.surfaces.cli._terminal import complain, harmless, is_terminal, note, write

_LONGEST = 60
_SMALL = 0.001
"""Dollars below which four digits after the point say too little."""


class PersonView:
    """Notes, progress and who answered. Each command adds how it shows its own events."""

    def __init__(self) -> None:
        self.bar = Bar()
        self._started = time.perf_counter()
        self._line_open = False

    def begin(self) -> None:
        self._started = time.perf_counter()
        self.bar.begin()

    def show(self, event: AnyEvent) -> None:
        """One event, as it comes."""
        match event:
            case Progress():
                self.bar.show(event)
            case Adjusted():
                self.note(f"note: {event.field} {_change(event)}: {event.why}")
            case Restarted():
                self.end_line()
                self.note(_restarted(event))
            case Finish(result=result) if result is not None:
                self.bar.end()
                self.whole(result)
                self.end_line()
                self.note(footer(result, time.perf_counter() - self._started))
            case _:
                self.piece(event)

    def piece(self, event: AnyEvent) -> None:
        """A piece of the answer itself."""

    def whole(self, result: Result) -> None:
        """The answer is complete."""

    def fail(self, error: RunnerError) -> None:
        self.bar.end()
        self.end_line()
        if isinstance(error, CancelledError):
            note("cancelled")
        else:
            complain(str(error))

    def text(self, text: str) -> None:
        """Text of the answer, at once. It may end in the middle of a line."""
        if text:
            self.bar.end()
            write(text)
            self._line_open = not text.endswith("\n")

    def note(self, text: str) -> None:
        """A line of its own beside the matter; a pipe gets no line break for its sake."""
        if is_terminal(sys.stdout):
            self.end_line()
        self.bar.aside()
        note(text)

    def end_line(self) -> None:
        """Close the line that is open, if one is."""
        if self._line_open:
            write("\n")
            self._line_open = False


def _change(event: Adjusted) -> str:
    if event.used is None:
        return f"{_short(event.asked)} was not used"
    return f"{_short(event.asked)} became {_short(event.used)}"


def _short(value: Any) -> str:
    text = harmless(str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _restarted(event: Restarted) -> str:
    return (
        f"withdrawn: {event.from_runner} failed ({event.reason}) "
        f"{event.to_runner} answers from the beginning:"
    )


def footer(result: Result, seconds: float) -> str:
    """Who answered, from what, how fast; and who failed before."""
    who = f"{result.runner} ({result.model})" if result.model else result.runner
    mock = "; it is a MOCK: no AI took part" if result.mock else ""
    parts = [f"answered by {who}{mock}", f"{seconds:.2f} s", *_used(result.usage)]
    failed = "".join(f"\n{a.runner} failed: {a.code} {a.message}" for a in result.attempts)
    return " · ".join(parts) + failed


def _used(usage: Usage | None) -> list[str]:
    if usage is None:
        return []
    counts = (
        (usage.total_tokens, "token"),
        (usage.characters, "character"),
        (usage.images, "picture"),
    )
    used = [f"{count} {unit}{'s' * (count != 1)}" for count, unit in counts if count]
    if usage.audio_seconds:
        used.append(f"{usage.audio_seconds:.1f} s of audio")
    if usage.cost:
        used.append(dollars(usage.cost))
    return used


def dollars(cost: float) -> str:
    """A price with the digits that say something: one chat may cost a millionth."""
    return f"${cost:.4f}" if cost >= _SMALL else f"${cost:.9f}".rstrip("0").rstrip(".")
