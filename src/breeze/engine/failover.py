"""One request over several runners: tries in order until one really answers.

Nothing of a candidate reaches the caller before its first piece of output, progress excepted, so
that an early failure leaves no trace. After output, `after_output` decides: `stop` raises,
`restart` withdraws what was sent and goes on with the next candidate from the beginning.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from breeze.contracts.errors import RunnerError
from breeze.contracts.events import Finish, Restarted, TextDelta, Usage
from breeze.engine.attempts import NO_OUTPUT, Attempt, Means, adjusted
from breeze.engine.plan import Plan, forget_places, too_slow
from breeze.engine.plan import Policy as Policy
from breeze.engine.roster import Roster
from breeze.engine.route import Route
from breeze.engine.selection import Choice
from breeze.engine.stream import EventStream
from breeze.engine.watch import Silence, Watch

_A_DAY = 86_400.0


class Failover:
    """Where the events of an engine's requests come from: the first of its runners that answers."""

    def __init__(self, roster: Roster, means: Means, policy: Policy) -> None:
        self._roster = roster
        self._means = means
        self._clock = means.clock
        self._policy = policy
        # Who wants only the whole answer may have to wait for all of it: the deadline counts.
        self._whole_policy = msgspec.structs.replace(policy, first_event=_A_DAY)

    async def events(self, stream: EventStream[Any]) -> AsyncGenerator[Any]:
        """The events of the first candidate that answers, ending in `Finish`.

        Raises the last candidate's error, whose `attempts` lists every try, or what ended the
        stream from outside.
        """
        route, watch, now, keep = stream.route, stream.watch, self._clock.now, stream.route.fold.add
        policy = self._whole_policy if route.request.whole else self._policy
        with stream.work():
            choice, plan, restarted = await self._first(route), None, False
            while True:
                attempt, ended = Attempt(self._means, route, choice, watch, policy), None
                attempt.hold(adjusted(route.request, choice, restarted=restarted))
                try:
                    async for event in await attempt.open():
                        attempt.events += 1
                        plain = attempt.proven and type(event) is TextDelta
                        for due in (event,) if plain else attempt.take(event):
                            watch.pause()
                            keep(due)
                            yield due
                            watch.resume()
                        watch.since = now()
                        if attempt.end is not None:
                            break
                except BaseException as raised:  # closing, stopping, and whatever a runner raises
                    ended = raised
                if (ended := await attempt.close(ended)) is None:
                    break
                try:
                    plan = self._next(ended, attempt, plan, delivered=attempt.proven)
                finally:
                    ended = None  # it would keep itself, and all that is here, in a circle
                choice = plan.choice
                if attempt.proven:
                    restarted = True
                    withdrawn = Restarted(attempt.choice.name, choice.name, plan.reason)
                    watch.pause()
                    keep(withdrawn)
                    yield withdrawn
                    watch.resume()
                if plan.wait:
                    await self._clock.sleep(plan.wait)
            assert attempt.end is not None
            watch.pause()
            yield stream.end(attempt.end)

    async def whole(self, route: Route, watch: Watch) -> Finish:
        """The end of the first whole answer. As nothing was delivered, any failure may be mended.

        Raises the last candidate's error, whose `attempts` lists every try.
        """
        policy, now, keep = self._whole_policy, self._clock.now, route.fold.add
        choice, plan = await self._first(route), None
        while True:
            attempt, ended = Attempt(self._means, route, choice, watch, policy), None
            route.fold.events[:] = adjusted(route.request, choice)
            try:
                async for event in await attempt.open():
                    watch.since = now()
                    attempt.events += 1
                    if attempt.first is None:
                        attempt.first = watch.since - attempt.begun
                    kind = type(event)
                    if kind is Finish:
                        attempt.end = event
                        break
                    if kind is Usage:
                        attempt.usage = event
                    elif not attempt.proven and kind not in NO_OUTPUT:
                        attempt.prove()
                    keep(event)
            except BaseException as raised:  # stopping, and whatever a runner raises
                ended = raised
            if (ended := await attempt.close(ended)) is None:
                assert attempt.end is not None
                return attempt.end
            try:
                plan = self._next(ended, attempt, plan, delivered=False)
            finally:
                ended = None
            choice = plan.choice
            if plan.wait:
                await self._clock.sleep(plan.wait)

    async def _first(self, route: Route) -> Choice:
        """Decide who is asked; the first of them."""
        route.started = time.perf_counter()
        decision = self._roster.recall(route.request)
        if decision is None:
            decision = await self._roster.decide(route.request)
        route.decision = decision
        return decision.order[0]

    def _next(
        self, ended: BaseException, attempt: Attempt, plan: Plan | None, *, delivered: bool
    ) -> Plan:
        """Turn to the next try. Raises what ended this one, when there is to be no other.

        `delivered`: the caller has got some of the answer.
        """
        route, watch = attempt.route, attempt.watch
        error = watch.verdict(ended)
        try:
            if isinstance(error, Silence):
                error = too_slow(attempt.choice, error)
            if error is watch.reason or not isinstance(error, RunnerError):
                raise error
            route.failed += (attempt.failed(error),)
            if plan is None:
                assert route.decision is not None  # it was made before the first try
                plan = Plan(route.decision.order, self._policy)
            if not plan.after(error, delivered=delivered):
                error = plan.blamed(error, route.failed)
                raise error from error.__cause__
            forget_places(error)
        finally:
            del ended, error
        watch.begin()
        return plan
