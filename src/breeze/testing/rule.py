"""What a rule of the kit is, and how patient the kit is with a runner."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from breeze.testing.bench import Bench


class Failed(Exception):
    """A rule does not hold; the message says how."""


class NotApplicable(Exception):
    """A rule has nothing to look at in this runner; the message says why."""


@dataclass(frozen=True)
class Rule:
    """A rule of the kit. `check` raises Failed or NotApplicable; anything else it raises fails."""

    id: str
    title: str
    check: Callable[[Bench], Awaitable[None]]


@dataclass(frozen=True)
class Limits:
    """How patient the kit is. Times in seconds.

    `stream`: for one stream to end. `cancel`: for a cancel to be over. `settle`: how long work is
    watched after a cancel. `cycles` of load and unload, fewer when they take over `cycling`;
    `growth`: bytes that memory may grow with each. `variants`: settings tried to find what
    reads a parameter. `long_events`, `long_answer`: how much of a very long answer is read.
    """

    stream: float = 20.0
    cancel: float = 0.1
    settle: float = 0.03
    check: float = 0.25
    cycles: int = 20
    cycling: float = 5.0
    growth: int = 128 * 1024
    long_events: int = 2_000
    long_answer: float = 5.0
    variants: int = 24
