"""One try of one runner: lease, run, make sure of the end, keep the account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from math import inf
from typing import Any

import msgspec

from breeze.contracts.errors import Attempt as Failed
from breeze.contracts.errors import CancelledError, DeadlineError, RunnerError
from breeze.contracts.events import ALIVE, Finish, Progress, Restarted, Usage
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import Request
from breeze.contracts.results import cut
from breeze.engine.admission import set_aside
from breeze.engine.again import NO_OUTPUT, NOTHING, Beginning
from breeze.engine.arrival import Aside, arrival
from breeze.engine.circuit import Circuit
from breeze.engine.entry import Entry
from breeze.engine.instances import Instance
from breeze.engine.ledger import Row
from breeze.engine.means import Means as Means
from breeze.engine.plan import Policy, too_slow
from breeze.engine.route import Route
from breeze.engine.rules import OURS, rule_of
from breeze.engine.selection import Choice
from breeze.engine.unexpected import unexpected
from breeze.engine.watch import Silence, Watch

_NOTHING = Usage()


class Attempt:
    """One try of `choice`, from the lease of its runner to the row in the ledger.

    Who reads the events keeps the account: `events` is how many there were, `first` the seconds
    until the first, `usage` what the runner said it used, `end` its last. `proven`: there was
    output, and it goes out at once.

    What only tries after a failure have: `instead`, what is asked in the place of the request;
    `beginning`, what the caller has got, against which the output is held; `probe`, the circuit of
    which this is the probe.
    """

    # The defaults are the class's: a try that goes well changes few of them.
    proven = False
    events = 0
    first: float | None = None
    usage: Usage = _NOTHING
    end: Finish | None = None
    instead: Request[Any] | None = None
    beginning: Beginning | None = None
    probe: Circuit | None = None
    _status, _code = "cancelled", "E302"
    _parameters: Parameters | None = None
    _entry: Entry | None = None
    _stream: AsyncGenerator[Any] | None = None
    _waiting: AsyncGenerator[Any] | None = None
    _held: Sequence[Any] = ()

    def __init__(
        self, means: Means, route: Route, choice: Choice, watch: Watch, policy: Policy
    ) -> None:
        self.choice = choice
        self.route = route
        self.watch = watch
        self._means = means
        self._policy = policy
        self._wall = time.time()
        self.begun = watch.since = means.clock.now()
        watch.limit, watch.proven = policy.first_event, False

    async def open(self) -> AsyncGenerator[Any]:
        """The events of a loaded runner, as it makes them. Raises what leasing and loading raise.

        While they are read, nothing is unloaded; the runner has the present parameters, and the
        request names the model that is meant. Who has to wait for the runner hears of that first.
        """
        pool, instance = self._means.pool, self._means.instances[self.choice.name]
        self._parameters = instance.parameters
        key = instance.key(self.choice.model)
        if (entry := pool.take(key)) is not None:
            return self._begin(entry, instance)
        request = self.route.request
        loads = Aside(self.watch, pool.clock, self._policy.load if request.deadline is None else 0)
        if not request.whole:
            self._waiting = self._after(arrival(pool, key, instance.make, loads), instance)
            return self._waiting
        limit, self.watch.limit = self.watch.limit, inf
        return self._begin(await pool.admit(key, instance.make, loads=loads), instance, limit)

    def _begin(self, entry: Entry, instance: Instance, limit: float = 0) -> AsyncGenerator[Any]:
        """Let the leased runner work. `limit`: of the first wait, which begins now."""
        self._entry = entry
        choice, route, watch = self.choice, self.route, self.watch
        if limit:  # how long a load took says nothing of how soon the runner answers
            watch.since, watch.limit = self._means.clock.now(), limit
        request, entry.runner.parameters = self.instead or route.request, self._parameters
        route.runner, route.model, route.mock = choice.name, choice.model, instance.mock
        if request.model != choice.model:
            request = msgspec.structs.replace(request, model=choice.model)
        self._stream = entry.runner.stream(request)
        return self._stream

    async def _after(
        self, steps: AsyncGenerator[Progress | Entry], instance: Instance
    ) -> AsyncGenerator[Any]:
        """What is told of the wait for a place and for the load, then the runner's events."""
        limit, self.watch.limit = self.watch.limit, inf
        async with aclosing(steps):
            async for step in steps:
                if isinstance(step, Entry):
                    self.events = 0  # what was told of the wait is not the runner's
                    async for event in self._begin(step, instance, limit):
                        yield event
                else:
                    yield step

    @property
    def listened(self) -> bool:
        """Whether it may have taken some of a source that can be listened to only once."""
        return self._stream is not None and getattr(self.route.request, "live", None) is not None

    def hold(self, events: Sequence[Any]) -> None:
        """What the caller is to get before the first output."""
        self._held = events

    def take(self, event: Any) -> Sequence[Any]:
        """What the caller gets because of `event`: nearly nothing, until there is output."""
        kind = type(event)
        if kind is Usage:
            self.usage = event
        elif kind is Finish:
            self.end = event
        if self.proven:
            return () if kind is Finish or event is ALIVE else (event,)
        if self.first is None and event is not ALIVE and self._stream is not None:
            self.first = self._means.clock.now() - self.begun
        if kind is Progress or event == NOTHING:
            return () if event in (ALIVE, NOTHING) else (event,)
        if kind in NO_OUTPUT:
            self._held = (*self._held, event)
            return ()
        self.prove()
        if self.beginning is not None:
            return self._compared(event, self.beginning)
        return self._held if kind is Finish else (*self._held, event)

    def heard(self, event: Any) -> bool:
        """Note an event before there was output; False when it says nothing of the runner."""
        if type(event) not in NO_OUTPUT and event != NOTHING:
            self.prove()
        elif event is ALIVE:
            return False
        if self.first is None:
            self.first = self._means.clock.now() - self.begun
        return True

    def prove(self) -> None:
        """There is output. From now on a wait may last as long as between any two events."""
        self.proven = self.watch.proven = True
        self.watch.limit = self._policy.stall
        if self.probe is not None:
            self._means.circuits.proved(self.probe)
            self.probe = None

    def _compared(self, event: Any, beginning: Beginning) -> Sequence[Any]:
        """What goes out because of output that is held against what the caller has."""
        due = beginning.end() if type(event) is Finish else beginning.take(event)
        if due is None:
            self.proven = False
            return ()
        self.beginning = None
        if due and type(due[0]) is Restarted:
            return (due[0], *set_aside(self.route.request), *self._held, *due[1:])
        return (*self._held, *due)

    async def close(self, error: BaseException | None) -> BaseException | None:
        """Free what the try holds and keep its account. What it ended in, as an error of ours."""
        watch, means = self.watch, self._means
        watch.limit = inf
        if error is None and self.end is None:
            error = cut(self.events)
        try:
            for events in filter(None, (self._waiting, self._stream)):
                await events.aclose()
        except BaseException as worse:  # whatever a runner raises when it is told to stop
            # A stop stays a stop, though; only another one may take its place.
            if isinstance(error or worse, Exception) or not isinstance(worse, Exception):
                error = worse
        if self._entry is not None:
            means.pool.leave(self._entry)
        if error is None and not watch.stopped:
            self._status, self._code = "finished", ""
            if means.circuits.known:
                self._went_well()
        else:  # or it took no notice of a stop, and answered all the same
            waited = means.clock.now() - watch.since
            error = self._told(watch.verdict(error or asyncio.CancelledError()), waited)
        means.ledger.add(self._row())
        return error

    def _went_well(self) -> None:
        if self.probe is not None:
            self._means.circuits.proved(self.probe)
        self._means.circuits.succeeded(self.choice.name)

    def _told(self, error: BaseException, waited: float) -> BaseException:
        choice, probe, self.probe = self.choice, self.probe, None
        if isinstance(error, Silence):
            error = too_slow(choice, error)
        if isinstance(error, RunnerError):
            error.runner, error.model = error.runner or choice.name, error.model or choice.model
        elif isinstance(error, Exception):  # a runner may raise anything; callers get our tree
            error = unexpected(self._parameters, choice, error)
        cancelled = error is self.watch.reason and isinstance(error, CancelledError)
        if isinstance(error, RunnerError) and not cancelled:
            self._status, self._code = "error", error.code
        if (health := self._health(error, waited)) and isinstance(error, RunnerError):
            self._means.circuits.failed(choice.name, error, probe, barred=health == "barred")
        elif probe is not None:
            probe.tell()
        return error

    def _health(self, error: BaseException, waited: float) -> str:
        """What `error`, after so many seconds of silence, tells of the runner's health."""
        if not isinstance(error, RunnerError):
            return ""
        if error is self.watch.reason:  # stopped from outside, which tells of it if that was late
            most = self._policy.stall if self.watch.proven else self._policy.first_event
            late = isinstance(error, DeadlineError) and waited >= most
            return "failure" if late and self._stream is not None else ""
        if self._entry is None and isinstance(error, OURS):
            return ""
        health = rule_of(error).health
        # It may tell of settings that are no more, or be a caller's own that the server refuses.
        old = self._means.instances[self.choice.name].parameters != self._parameters
        return "" if old or (health == "barred" and self.route.request.params) else health

    def _row(self) -> Row:
        request, choice, used = self.route.request, self.choice, self.usage
        decision = self.route.decision
        assert decision is not None  # it was made before any try
        return Row(
            request.id, request.session_id, decision.capability, choice.name, choice.model,
            self._wall, self._means.clock.now() - self.begun, self.first,
            self._status, self._code, self.events, used.prompt_tokens, used.completion_tokens,
            used.characters, used.audio_seconds, used.images, used.cost,
        )  # fmt: skip

    def failed(self, error: RunnerError) -> Failed:
        """The try for the record of those that did not answer."""
        choice, seconds = self.choice, self._means.clock.now() - self.begun
        used = None if self.usage is _NOTHING else self.usage
        return Failed(choice.name, choice.model, error.code, error.message, seconds, used)
