"""How patient failover is, and whom it tries next."""

from __future__ import annotations

import random
from typing import Literal

import msgspec

from breeze.contracts.errors import (
    Attempt,
    BlockedError,
    CancelledError,
    InputError,
    RunnerError,
    TooLargeError,
    UnavailableError,
)
from breeze.engine.selection import Choice
from breeze.engine.watch import Silence

_FINAL = (InputError, TooLargeError, BlockedError, CancelledError)
"""Errors that no other runner would mend."""


class Policy(msgspec.Struct, frozen=True):
    """How patient failover is. Seconds; `attempts` counts tries of one candidate."""

    attempts: int = 2
    first_event: float = 20.0
    stall: float = 30.0
    after_output: Literal["stop", "restart", "continue"] = "stop"
    first_wait: float = 0.5
    longest_wait: float = 8.0


class Plan:
    """Where failover stands: whose turn it is, how long to wait before it, and for what reason."""

    _place = _tries = 0
    _first: RunnerError | None = None
    reason = ""
    wait = 0.0

    def __init__(self, order: tuple[Choice, ...], policy: Policy) -> None:
        self._order = order
        self._policy = policy
        self.choice = order[0]

    def after(self, error: RunnerError, *, delivered: bool) -> bool:
        """Turn to whoever is tried next because of `error`; False when nobody is.

        What a stand-in finds wrong with the request says only that it is no stand-in for it. When
        some of an answer was delivered, the same candidate is not asked again.
        """
        if isinstance(error, _FINAL) and not (self._place and isinstance(error, InputError)):
            return False
        if delivered and self._policy.after_output == "stop":
            return False
        self._first, self.reason = self._first or error, error.message
        self._tries += 1
        wait = self._policy.first_wait * 2 ** (self._tries - 1) * random.uniform(0.5, 1.0)
        wait = max(wait, error.retry_after or 0.0)
        again = not delivered and error.retryable and error.detail not in ("silent", "stalled")
        if again and self._tries < self._policy.attempts and wait <= self._policy.longest_wait:
            self.wait = wait
            return True
        self._place, self._tries, self.wait = self._place + 1, 0, 0.0
        if self._place == len(self._order):
            return False
        self.choice = self._order[self._place]
        return True

    def blamed(self, error: RunnerError, failed: tuple[Attempt, ...]) -> RunnerError:
        """What the caller is told when nobody answered: `error`, or why the first could not."""
        if isinstance(error, InputError) and self._first is not None:
            error = self._first
        self._first = None
        error.attempts = failed
        return error


def forget_places(error: BaseException | None) -> None:
    """Forget where `error` was raised: the frames there hold the plan, which may hold `error`."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def too_slow(choice: Choice, silence: Silence) -> UnavailableError:
    """The error of a candidate that sent nothing for too long."""
    when = "for" if silence.proven else "in its first"
    return UnavailableError(
        f"{choice.name} sent nothing {when} {silence.limit:g} s and was abandoned.",
        detail="stalled" if silence.proven else "silent",
        runner=choice.name,
        model=choice.model,
    )
