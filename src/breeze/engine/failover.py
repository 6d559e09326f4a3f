"""One request over several runners: tries in order until one really answers.

Nothing of a candidate reaches the caller before its first piece of output, progress excepted, so
that an early failure leaves no trace. After output, `after_output` decides: `stop` raises,
`restart` withdraws what was sent and lets the next candidate answer from the beginning (unless it
says the same again: then only the rest is sent), `continue` lets it go on with the text so far.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.events import ALIVE, Adjusted, Finish, Restarted, TextDelta, Usage
from breeze.engine.admission import adjusted
from breeze.engine.again import (
    SameText,
    beginning,
    calls_a_tool,
    for_another,
    going_on,
    shown,
    since_restart,
)
from breeze.engine.attempts import Attempt, Means
from breeze.engine.plan import Got, Plan, forget_places
from breeze.engine.plan import Policy as Policy
from breeze.engine.roster import Roster
from breeze.engine.route import Route
from breeze.engine.rules import CONTEXT
from breeze.engine.selection import Choice
from breeze.engine.stream import EventStream
from breeze.engine.watch import Watch


class Failover:
    """Where the events of an engine's requests come from: the first of its runners that answers."""

    def __init__(self, roster: Roster, means: Means, policy: Policy) -> None:
        self._roster = roster
        self._means = means
        self._clock = means.clock
        self._circuits = means.circuits
        self._policy = policy

    async def events(self, stream: EventStream[Any]) -> AsyncGenerator[Any]:
        """The events of the first candidate that answers, ending in `Finish`.

        Raises the last candidate's error, whose `attempts` lists every try, or what ended the
        stream from outside.
        """
        route, watch, now, keep = stream.route, stream.watch, self._clock.now, stream.route.fold.add
        with stream.work():
            choice, plan = await self._first(route)
            while True:
                attempt, ended = Attempt(self._means, route, choice, watch, self._policy), None
                if plan is None:
                    attempt.hold(adjusted(route.request, choice))
                else:
                    self._prepare(attempt, plan)
                try:
                    async for event in await attempt.open():
                        attempt.events += 1
                        plain = attempt.proven and type(event) is TextDelta
                        for due in (event,) if plain else attempt.take(event):
                            watch.pause()
                            keep(due)
                            yield due
                            watch.resume()
                        if plain or event is not ALIVE or watch.proven:
                            watch.since = now()
                        if attempt.end is not None:
                            break
                except BaseException as raised:  # closing, stopping, and whatever a runner raises
                    ended = raised
                if (ended := await attempt.close(ended)) is None:
                    break
                try:
                    plan = await self._next(ended, attempt, plan)
                finally:
                    ended = None  # it would keep itself, and all that is here, in a circle
                choice = plan.choice
                if plan.wait:
                    await self._clock.sleep(plan.wait)
            assert attempt.end is not None
            watch.pause()
            yield stream.end(attempt.end)

    async def whole(self, route: Route, watch: Watch) -> Finish:
        """The end of the first whole answer. As nothing was delivered, any failure may be mended.

        Raises the last candidate's error, whose `attempts` lists every try.
        """
        policy, now, keep = self._policy, self._clock.now, route.fold.add
        choice, plan = await self._first(route)
        while True:
            attempt, ended = Attempt(self._means, route, choice, watch, policy), None
            route.fold.events[:] = (
                adjusted(route.request, choice) if plan is None else self._fitted(attempt, plan)
            )
            try:
                async for event in await attempt.open():
                    attempt.events += 1
                    if attempt.proven or attempt.heard(event):
                        watch.since = now()
                    kind = type(event)
                    if kind is Finish:
                        attempt.end = event
                        break
                    if kind is Usage:
                        attempt.usage = event
                    keep(event)
            except BaseException as raised:  # stopping, and whatever a runner raises
                ended = raised
            if (ended := await attempt.close(ended)) is None:
                assert attempt.end is not None
                return attempt.end
            route.fold.events.clear()  # nobody has got any of it
            try:
                plan = await self._next(ended, attempt, plan)
            finally:
                ended = None
            choice = plan.choice
            if plan.wait:
                await self._clock.sleep(plan.wait)

    async def _first(self, route: Route) -> tuple[Choice, Plan | None]:
        """Decide who is asked; the first of them, and a plan if somebody has failed lately."""
        route.started = time.perf_counter()
        decision = self._roster.recall(route.request)
        if decision is None:
            decision = await self._roster.decide(route.request)
        route.decision = decision
        if not self._circuits.known:
            return decision.order[0], None
        plan, now = Plan(decision.order, self._policy, self._circuits), self._clock.now
        if not await plan.turn(now()):
            raise plan.nobody(now())
        return plan.choice, plan

    async def _next(self, error: BaseException, attempt: Attempt, plan: Plan | None) -> Plan:
        """Turn to the next try. Raises what ended this one, when there is to be no other."""
        route, watch = attempt.route, attempt.watch
        try:
            if error is watch.reason or not isinstance(error, RunnerError):
                raise error
            route.failed += (attempt.failed(error),)
            watch.begin()
            if plan is None:
                assert route.decision is not None  # it was made before the first try
                plan = Plan(route.decision.order, self._policy, self._circuits)
                plan.begun()
            if isinstance(error, InputError) and error.detail == CONTEXT:
                plan.keep(await self._larger(attempt.choice, plan.others))
            now = self._clock.now()
            if not await plan.after(error, now, watch.deadline - now, got=self._got(attempt)):
                error = plan.blamed(error, route.failed)
                raise error from error.__cause__
            forget_places(error)
        finally:
            del error
        return plan

    def _got(self, attempt: Attempt) -> Got:
        """What the caller has got of the answer."""
        output = shown(attempt.route.fold.events)
        if attempt.listened or calls_a_tool(output):
            return "all"
        if not output:
            return "nothing"
        return "this" if attempt.proven else "before"

    async def _larger(self, choice: Choice, others: tuple[Choice, ...]) -> tuple[Choice, ...]:
        """Those of `others` that declare a larger window than `choice` has."""
        instances, clock = self._means.instances, self._clock
        limit, *windows = await asyncio.gather(
            *(instances[one.name].window(one.model, clock) for one in (choice, *others))
        )
        return tuple(o for o, window in zip(others, windows, strict=True) if window > limit)

    def _fitted(
        self, attempt: Attempt, plan: Plan, *, restarted: bool = False
    ) -> Sequence[Adjusted]:
        """Fit the request to the one whose turn it is; what is not used as asked."""
        attempt.probe, choice, request = plan.probe, attempt.choice, attempt.route.request
        notes = adjusted(request, choice, restarted=restarted)
        parameters = self._means.instances[choice.name].parameters
        if not (plan.stand_in and request.params and parameters):
            return notes
        attempt.instead, more = for_another(request, parameters, choice.name)
        return [*notes, *more]

    def _prepare(self, attempt: Attempt, plan: Plan) -> None:
        """Let a try after a failure begin where the caller stands."""
        output = shown(attempt.route.fold.events)
        notes = self._fitted(attempt, plan, restarted=bool(output))
        if output:
            notes = [*notes, *self._taken_up(attempt, plan, output)]
        attempt.hold(notes)

    def _taken_up(self, attempt: Attempt, plan: Plan, output: list[Any]) -> Sequence[Adjusted]:
        """Go on with what the caller has got, or answer anew; what is to be said of it."""
        route, new = attempt.route, attempt.choice.name
        parameters = self._means.instances[new].parameters
        whole = Usage not in map(type, since_restart(route.fold.events))
        if (
            whole
            and self._policy.after_output == "continue"
            and getattr(parameters, "prefill", None)
        ):
            request = attempt.instead or route.request
            gone = going_on(request, output, plan.speaker, new)
            if gone is not None:
                attempt.instead = gone.request
                attempt.beginning = SameText(gone.blanks, None) if gone.blanks else None
                return gone.notes
        withdrawn = Restarted(plan.speaker, new, plan.reason)
        attempt.beginning = beginning(output if whole else [None], withdrawn)
        return ()
