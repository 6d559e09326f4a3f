"""One stream as it went."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from breeze.contracts.events import Adjusted, Finish, Progress
from breeze.contracts.request import Request
from breeze.contracts.values import Usage
from breeze.testing.rule import Limits
from breeze.testing.stream import BrokenStream

NO_OUTPUT = (Adjusted, Progress, Usage, Finish)
"""Events that are not part of what was asked for."""


@dataclass
class Run:
    """One stream as it went. `whole`: it was read to its end and not cut off by a limit.

    `broken` holds what it broke first; `known` that its ordinary answers break the same rule, so
    that the other rules need not repeat it.
    """

    request: Request[Any]
    events: list[Any] = field(default_factory=list)
    error: BaseException | None = None
    broken: BrokenStream | None = None
    known: bool = False
    late: bool = False
    whole: bool = False

    def of(self, kind: type) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def trouble(self, limits: Limits) -> str:
        """Why this is no proper answer; empty when it is one."""
        if self.late:
            return f"it did not end within {limits.stream:g} s"
        wrong = self.error if self.known else self.broken or self.error
        return f"{type(wrong).__name__}: {wrong}" if wrong is not None else ""


async def read_output(events: AsyncGenerator[Any], count: int = 1) -> bool:
    """Read on until `count` events with output have come. False when there are not as many."""
    async for event in events:
        count -= not isinstance(event, NO_OUTPUT)
        if not count:
            return True
    return False
