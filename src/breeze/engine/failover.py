"""One request over several runners: tries in order until one really answers.

Nothing of a candidate reaches the caller before its first piece of output, progress excepted, so
that an early failure leaves no trace. After output, `after_output` decides: `stop` raises,
`restart` withdraws what was sent and goes on with the next candidate from the beginning.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Literal

import msgspec

from breeze.contracts.clock import Clock
from breeze.contracts.errors import (
    Attempt,
    BlockedError,
    CancelledError,
    InputError,
    RunnerError,
    TooLargeError,
    UnavailableError,
)
from breeze.contracts.events import Adjusted, Progress, Restarted, Usage
from breeze.engine.selection import Choice
from breeze.engine.watch import Watch

_FINAL = (InputError, TooLargeError, BlockedError, CancelledError)
"""Errors that no other runner would mend."""
_NO_OUTPUT = (Adjusted, Usage)
"""Events that are held until output proves the candidate real."""


class Policy(msgspec.Struct, frozen=True):
    """How patient failover is. Seconds; `attempts` counts tries of one candidate."""

    attempts: int = 2
    first_event: float = 20.0
    stall: float = 30.0
    after_output: Literal["stop", "restart", "continue"] = "stop"
    first_wait: float = 0.5
    longest_wait: float = 8.0


Try = Callable[[Choice], AsyncGenerator[Any]]


async def failover(
    order: tuple[Choice, ...],
    attempt: Try,
    policy: Policy,
    clock: Clock,
    watch: Watch,
    failed: list[Attempt],
) -> AsyncGenerator[Any]:
    """The events of the first candidate that answers; tries that fail are added to `failed`.

    `watch` guards the reader's wait for each event: a candidate's own limits end it through that.

    Raises the last candidate's error, whose `attempts` lists every try.
    """
    plan = _Plan(order, policy)
    while True:
        choice = plan.choice
        patience = _Patience(choice, policy, clock, watch)
        try:
            async with aclosing(_proven(attempt(choice), patience)) as events:
                async for event in events:
                    yield event
                return
        except RunnerError as error:
            seconds = clock.now() - patience.started
            failed.append(Attempt(choice.name, choice.model, error.code, error.message, seconds))
            error.attempts = tuple(failed)
            broken = patience.proven
            following = plan.after(error, same_route=not broken)
            if following is None or (broken and policy.after_output == "stop"):
                raise
            reason = error.message
        if broken:
            yield Restarted(choice.name, following.name, reason)
        if plan.wait:
            await clock.sleep(plan.wait)


class _Plan:
    """Where failover stands: which candidate, which of its tries, how long to wait before it."""

    def __init__(self, order: tuple[Choice, ...], policy: Policy) -> None:
        self._order, self._policy = order, policy
        self._place = self._tries = 0
        self.wait = 0.0

    @property
    def choice(self) -> Choice:
        return self._order[self._place]

    def after(self, error: RunnerError, *, same_route: bool) -> Choice | None:
        """Who is tried next because of `error`, or None."""
        if isinstance(error, _FINAL):
            return None
        self._tries += 1
        wait = self._policy.first_wait * 2 ** (self._tries - 1) * random.uniform(0.5, 1.0)
        wait = max(wait, error.retry_after or 0.0)
        again = same_route and error.retryable and error.detail not in ("silent", "stalled")
        if again and self._tries < self._policy.attempts and wait <= self._policy.longest_wait:
            self.wait = wait
            return self.choice
        self._place, self._tries, self.wait = self._place + 1, 0, 0.0
        return self.choice if self._place < len(self._order) else None


class _Patience:
    """The limits of one try: for its first output, then between events. One timer a stream.

    `proven`: there was output. `waiting`: an event is being waited for. `last`: since when.
    """

    __slots__ = (
        "_choice", "_clock", "_policy", "_timer", "_watch", "last", "now", "proven", "reason",
        "started", "waiting",
    )  # fmt: skip

    def __init__(self, choice: Choice, policy: Policy, clock: Clock, watch: Watch) -> None:
        self._choice, self._policy, self._clock, self._watch = choice, policy, clock, watch
        self.now = clock.now
        self.started = self.last = clock.now()
        self.proven = self.waiting = False
        self.reason: RunnerError | None = None
        self._timer = clock.call_later(policy.first_event, self._look)

    def _look(self) -> None:
        """Is the limit over? If not, look again when it may next be."""
        limit = self._policy.stall if self.proven else self._policy.first_event
        left = self.last + limit - self._clock.now()
        if left <= 0 and self.waiting and self._watch.interrupt():
            self.reason = _too_slow(self._choice, limit, self.proven)
        else:  # a limit that is over while nobody waits: the reader is slow, not the runner
            self._timer = self._clock.call_later(left if left > 0 else limit, self._look)

    def end(self) -> None:
        """At a cancellation: raises the limit's error when that is what it was."""
        if self.reason is not None and self._watch.was_ours():
            raise self.reason from None

    def stop(self) -> None:
        self._timer.cancel()


async def _proven(events: AsyncGenerator[Any], patience: _Patience) -> AsyncGenerator[Any]:
    """`events`, held back until the first output, and within the limits."""
    held: list[Any] = []
    now, following = patience.now, events.__anext__
    async with aclosing(events):
        try:
            while True:
                patience.last, patience.waiting = now(), True
                event = await following()
                patience.waiting = False
                if not patience.proven:
                    if type(event) in _NO_OUTPUT:
                        held.append(event)
                        continue
                    if type(event) is not Progress:
                        patience.proven = True
                        for early in held:
                            yield early
                yield event
        except StopAsyncIteration:
            return
        except asyncio.CancelledError:
            patience.end()
            raise
        finally:
            patience.stop()


def _too_slow(choice: Choice, limit: float, proven: bool) -> UnavailableError:
    what = f"sent nothing for {limit:g} s" if proven else f"sent nothing in its first {limit:g} s"
    return UnavailableError(
        f"{choice.name} {what} and was abandoned.",
        detail="stalled" if proven else "silent",
        runner=choice.name,
        model=choice.model,
    )
