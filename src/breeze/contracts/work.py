"""What a runner tells of the work that it does, so that a stop can be seen to be real."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Work:
    """A runner's own account of its native work, so that a stop can be seen to be real.

    `active`: streams at work now. `steps`: units done so far (tokens, blocks of audio, …).
    """

    __slots__ = ("active", "steps")

    def __init__(self) -> None:
        self.active = 0
        self.steps = 0

    @contextmanager
    def stream(self) -> Iterator[Work]:
        """Count a stream as active while the block runs."""
        self.active += 1
        try:
            yield self
        finally:
            self.active -= 1
