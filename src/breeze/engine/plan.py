"""How patient failover is, and whom it tries next. Made only once something has gone wrong."""

from __future__ import annotations

import random
from typing import Literal, Self

import msgspec

from breeze.config.model import FailoverSettings
from breeze.contracts.errors import Attempt, RunnerError, UnavailableError
from breeze.engine.circuit import Circuit, Circuits
from breeze.engine.rules import ASKED_WRONG, rule_of
from breeze.engine.selection import Choice
from breeze.engine.watch import Silence

Got = Literal["nothing", "before", "this", "all"]
"""What the caller has got when a try fails: output of this try, of one before it, or all that it
may get, as nobody must be asked for a tool's call twice, nor can listen twice to a live source.
"""


LOAD = 600.0
"""Seconds that a load may take beside the time that a request without a deadline has."""


class Policy(msgspec.Struct, frozen=True):
    """How patient failover is. Seconds; `attempts` counts tries of one candidate.

    `longest_wait`: before the same candidate is asked again while there are others;
    `longest_hint`: when it is the last one and said itself how long to wait. `load`: see `LOAD`.
    """

    attempts: int = 2
    first_event: float = 20.0
    stall: float = 30.0
    after_output: Literal["stop", "restart", "continue"] = "stop"
    content_policy: Literal["report", "next"] = "report"
    first_wait: float = 0.5
    longest_wait: float = 8.0
    longest_hint: float = 120.0
    load: float = LOAD

    @classmethod
    def configured(cls, settings: FailoverSettings) -> Self:
        """As the configuration has it."""
        return cls(
            attempts=settings.attempts,
            first_event=settings.first_event_ms / 1000,
            stall=settings.stall_ms / 1000,
            after_output=settings.after_output,
            content_policy=settings.content_policy,
            load=0.0 if settings.deadline_ms else LOAD,
        )


class Plan:
    """Where failover stands: whose turn it is, how long to wait before it, and for what reason.

    `choice` is whose turn it is, `probe` its circuit when this is to show whether it works again.
    `speaker`: of whom the caller has got the beginning of an answer, `reason`: why he stopped.
    `voiceless`: who stands in is asked without the voice, as there is none of that name.
    """

    probe: Circuit | None = None
    voiceless = False
    speaker = reason = ""
    wait = 0.0
    _tries = 1
    _first: RunnerError | None = None
    _last_resort = True

    def __init__(self, order: tuple[Choice, ...], policy: Policy, circuits: Circuits) -> None:
        self._left = list(order)
        self._policy = policy
        self._circuits = circuits
        self._meant = self.choice = order[0]

    def begun(self) -> None:
        """The first of the order was asked before there was a plan."""
        del self._left[0]

    @property
    def stand_in(self) -> bool:
        """Whether it is the turn of another than the one who comes first."""
        return self.choice is not self._meant

    @property
    def may_choose_a_voice(self) -> bool:
        """Whether it may be asked once more, in a voice of its own.

        A voice that the one it was meant for does not have either is a mistake of the caller's.
        """
        mistaken = self._first is not None and self._first.field == "voice"
        return self.stand_in and not (self.voiceless or mistaken) and self.probe is None

    @property
    def others(self) -> tuple[Choice, ...]:
        """Those who were not asked yet, in order."""
        return tuple(self._left)

    def keep(self, some: tuple[Choice, ...]) -> None:
        """Of those who were not asked yet, only `some` come into question."""
        self._left[:] = some

    async def after(self, error: RunnerError, now: float, left: float, *, got: Got) -> bool:
        """Turn to whoever is tried next because of `error`; False when nobody is.

        `left`: seconds until the deadline. What a stand-in finds wrong with the request says only
        that it is no stand-in for it. Who has delivered some of an answer is not asked again.
        """
        rule = rule_of(error, content_policy=self._policy.content_policy)
        other = rule.other or (self.stand_in and isinstance(error, ASKED_WRONG))
        self._first = self._first or error
        if got == "this":
            self.speaker, self.reason = self.choice.name, error.message
        stops = got == "all" or (got != "nothing" and self._policy.after_output == "stop")
        if stops or not (other or rule.again):
            return False
        again = rule.again and self.probe is None and self._tries < self._policy.attempts
        self.wait = max(self._back_off(), error.retry_after or 0.0)
        if got == "this" or not again:
            return other and await self.turn(now)
        if self.wait > min(self._policy.longest_wait, left):
            if other and await self.turn(now):
                return True
            if self.wait > min(self._policy.longest_hint, left):
                return False
        self._tries += 1
        return True

    def _back_off(self) -> float:
        wait = self._policy.first_wait * 2.0 ** (self._tries - 1) * random.uniform(0.5, 1.0)
        return min(wait, self._policy.longest_wait)

    async def turn(self, now: float) -> bool:
        """Turn to the next who was not asked yet and does not rest; else to one who rests.

        That one is asked before its time, by one request at a time: who comes meanwhile waits for
        what it says. False when nobody is left, or nobody works again.
        """
        if self._free(now):
            return True
        if not self._last_resort:
            return False
        self._last_resort = False
        resting = [(choice, self._circuits.known[choice.name]) for choice in self._left]
        ready = [pair for pair in resting if not (pair[1].barred and pair[1].rest(now))]
        ready.sort(key=lambda pair: (pair[1].probing, pair[1].rest(now)))
        for place, (choice, circuit) in enumerate(ready):
            if place and not circuit.probing:  # it has failed meanwhile
                continue
            if await circuit.verdict():
                self._take(choice, circuit)
                return True
            if self._free(now):
                return True
        return False

    def _free(self, now: float) -> bool:
        """Turn to the next who was not asked yet and does not rest, if there is one."""
        for choice in self._left:
            circuit = self._circuits.known.get(choice.name)
            if circuit is None or circuit.admits(now):
                self._take(choice, circuit)
                return True
        return False

    def _take(self, choice: Choice, circuit: Circuit | None) -> None:
        self._left.remove(choice)
        self.probe = circuit.claim() if circuit is not None else None
        self.choice, self._tries, self.wait, self.voiceless = choice, 1, 0.0, False

    def nobody(self, now: float) -> RunnerError:
        """Why nobody is asked at all: of those who rest, what the next to be asked again says."""
        known = [self._circuits.known.get(choice.name) for choice in self._left]
        resting = [circuit for circuit in known if circuit is not None]
        return min(resting, key=lambda circuit: (circuit.barred, circuit.rest(now))).error(now)

    def blamed(self, error: RunnerError, failed: tuple[Attempt, ...]) -> RunnerError:
        """What the caller is told when nobody answered: `error`, or why the first could not."""
        if isinstance(error, ASKED_WRONG) and self._first is not None:
            error = self._first
        self._first = None
        error.attempts = failed
        return error


def forget_places(error: BaseException | None) -> None:
    """Forget where `error` was raised: the frames there hold the plan, which may hold `error`."""
    seen: set[int] = set()  # errors that were raised again may stand in a circle
    while error is not None and id(error) not in seen:
        seen.add(id(error))
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
