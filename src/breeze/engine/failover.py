"""One request over several runners: tries in order until one really answers.

Nothing of a candidate reaches the caller before its first piece of output, progress excepted, so
that an early failure leaves no trace. After output, `after_output` decides: `stop` raises,
`restart` withdraws what was sent and goes on with the next candidate from the beginning.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any, Literal, Protocol

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
from breeze.contracts.events import Adjusted, Finish, Progress, Restarted, Usage
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


class Whole(Protocol):
    """One try of a whole answer; `seen` is to be called for each event of the runner."""

    def __call__(self, choice: Choice, /, *, seen: Callable[[], object]) -> Awaitable[Finish]: ...


async def failover(
    order: tuple[Choice, ...],
    attempt: Try,
    policy: Policy,
    clock: Clock,
    watch: Watch,
    failed: list[Attempt],
    early: Iterable[Any] = (),
) -> AsyncGenerator[Any]:
    """The events of the first candidate that answers; tries that fail are added to `failed`.

    `early` events come before those of whoever answers. `watch` guards the reader's wait for each
    event: a candidate's own limits end it through that.

    Raises the last candidate's error, whose `attempts` lists every try.
    """
    plan = _Plan(order, policy)
    while True:
        choice = plan.choice
        patience = _Patience(choice, policy, clock, watch, early)
        events = attempt(choice)
        try:
            now, following, proven = clock.now, events.__anext__, False
            while True:
                patience.last, patience.waiting = now(), True
                event = await following()
                patience.waiting = False
                if proven:
                    yield event
                else:
                    for due in patience.take(event):
                        yield due
                    proven = patience.proven
        except StopAsyncIteration:
            return
        except (RunnerError, asyncio.CancelledError) as raised:
            error = patience.verdict(raised)
            failed.append(patience.account(error))
            successor = plan.after(error, same_route=not proven)
            if successor is None or (proven and policy.after_output == "stop"):
                error = plan.blamed(error, failed)
                raise error from error.__cause__
            reason = error.message
        finally:
            patience.stop()
            await events.aclose()
        if proven:
            yield Restarted(choice.name, successor.name, reason)
            early = ()
        if plan.wait:
            await clock.sleep(plan.wait)


async def whole(
    order: tuple[Choice, ...],
    attempt: Whole,
    policy: Policy,
    clock: Clock,
    watch: Watch,
    failed: list[Attempt],
) -> Finish:
    """The end of the first whole answer. As nothing was delivered, any failure may be mended.

    Raises the last candidate's error, whose `attempts` lists every try.
    """
    plan = _Plan(order, policy)
    while True:
        patience = _Patience(plan.choice, policy, clock, watch, ())
        patience.waiting = True
        try:
            return await attempt(plan.choice, seen=patience.saw)
        except (RunnerError, asyncio.CancelledError) as raised:
            error = patience.verdict(raised)
            failed.append(patience.account(error))
            if plan.after(error, same_route=True) is None:
                error = plan.blamed(error, failed)
                raise error from error.__cause__
        finally:
            patience.stop()
        if plan.wait:
            await clock.sleep(plan.wait)


class _Plan:
    """Where failover stands: which candidate, which of its tries, how long to wait before it."""

    def __init__(self, order: tuple[Choice, ...], policy: Policy) -> None:
        self._order, self._policy = order, policy
        self._place = self._tries = 0
        self._first: RunnerError | None = None
        self.wait = 0.0

    @property
    def choice(self) -> Choice:
        return self._order[self._place]

    def after(self, error: RunnerError, *, same_route: bool) -> Choice | None:
        """Who is tried next because of `error`, or None.

        What a stand-in finds wrong with the request says only that it is no stand-in for it.
        """
        if isinstance(error, _FINAL) and not (self._place and isinstance(error, InputError)):
            return None
        self._first = self._first or error
        self._tries += 1
        wait = self._policy.first_wait * 2 ** (self._tries - 1) * random.uniform(0.5, 1.0)
        wait = max(wait, error.retry_after or 0.0)
        again = same_route and error.retryable and error.detail not in ("silent", "stalled")
        if again and self._tries < self._policy.attempts and wait <= self._policy.longest_wait:
            self.wait = wait
            return self.choice
        self._place, self._tries, self.wait = self._place + 1, 0, 0.0
        return self.choice if self._place < len(self._order) else None

    def blamed(self, error: RunnerError, failed: list[Attempt]) -> RunnerError:
        """What the caller is told when nobody answered: `error`, or why the first could not."""
        if isinstance(error, InputError) and self._first is not None:
            error = self._first
        error.attempts = tuple(failed)
        return error


class _Patience:
    """The limits of one try: for its first output, then between events. One timer a stream.

    `proven`: there was output. `waiting`: an event is being waited for. `last`: since when.
    """

    __slots__ = (
        "_choice", "_clock", "_held", "_policy", "_reason", "_started", "_timer", "_watch", "last",
        "proven", "waiting",
    )  # fmt: skip

    def __init__(
        self, choice: Choice, policy: Policy, clock: Clock, watch: Watch, early: Iterable[Any]
    ) -> None:
        self._choice, self._policy, self._clock, self._watch = choice, policy, clock, watch
        self._started = self.last = clock.now()
        self._held = list(early)
        self.proven = self.waiting = False
        self._reason: RunnerError | None = None
        self._timer = clock.call_later(min(policy.first_event, policy.stall), self._look)

    def take(self, event: Any) -> Iterable[Any]:
        """What the caller gets because of an early event: nothing, until output proves it real."""
        kind = type(event)
        if kind is Progress:
            return (event,)
        if kind in _NO_OUTPUT:
            self._held.append(event)
            return ()
        self.proven = True
        return (*self._held, event)

    def saw(self) -> None:
        """There was an event."""
        self.proven = True
        self.last = self._clock.now()

    def _look(self) -> None:
        """Is the limit over? If not, look again when it may next be."""
        limit = self._policy.stall if self.proven else self._policy.first_event
        left = self.last + limit - self._clock.now()
        if left <= 0 and self.waiting and self._watch.interrupt():
            self._reason = _too_slow(self._choice, limit, self.proven)
        else:  # a limit that is over while nobody waits: the reader is slow, not the runner
            soon = min(left if left > 0 else limit, self._policy.stall)
            self._timer = self._clock.call_later(soon, self._look)

    def verdict(self, raised: BaseException) -> RunnerError:
        """What ended the try: its own error, or a limit. Raises a cancellation from elsewhere."""
        if isinstance(raised, RunnerError):
            return raised
        if self._reason is not None and self._watch.was_ours():
            return self._reason
        raise raised

    def account(self, error: RunnerError) -> Attempt:
        """The failed try, for the record."""
        seconds = self._clock.now() - self._started
        return Attempt(self._choice.name, self._choice.model, error.code, error.message, seconds)

    def stop(self) -> None:
        self._timer.cancel()


def _too_slow(choice: Choice, limit: float, proven: bool) -> UnavailableError:
    what = f"sent nothing for {limit:g} s" if proven else f"sent nothing in its first {limit:g} s"
    return UnavailableError(
        f"{choice.name} {what} and was abandoned.",
        detail="stalled" if proven else "silent",
        runner=choice.name,
        model=choice.model,
    )
