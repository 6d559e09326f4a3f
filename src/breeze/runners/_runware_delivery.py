"""Tasks go to the server and results come back, whatever happens on the way.

No task is paid twice: it has its id before it is sent, and the id is noted. When an answer is
lost, or the same work is asked for again, the server is asked what it knows of the id, and only
what it does not know is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from breeze.contracts.errors import (
    AuthenticationError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.runners._runware_api import Reply
from breeze.runners._runware_parameters import RunwareParameters
from breeze.runners._runware_says import LOST
from breeze.runners._runware_shared import LADDER, Delivery
from breeze.runners._runware_state import State

_LONGEST_HINT = 120.0
_FIRST_POLL, _GROWTH, _LONGEST_POLL = 0.5, 1.5, 10.0


class Course:
    """The course of some tasks that are sent together, until each is answered."""

    def __init__(
        self,
        shared: Delivery,
        states: Sequence[State],
        p: RunwareParameters,
        *,
        named: bool,
        field: str,
        seen: Callable[[State, str, Mapping[str, Any]], object],
        told: Callable[[], object],
        accepted: Callable[[], object],
    ) -> None:
        self._with = shared
        self._states = states
        self._p = p
        self._named = named
        self._field = field
        self._seen = seen
        self._told = told
        self._accepted = accepted
        self._polls = 0
        self._open = 0
        self.patient = False
        """Some of the request was accepted, so that giving up would lose what is paid."""
        self.refusal: RunnerError | None = None
        """The error that kept all of these tasks from being accepted."""

    async def run(self) -> None:
        """Return when every task is answered; each knows its own error."""
        self._open = sum(state.item.count for state in self._states)
        self._with.spending.pending += self._open
        try:
            await self._recall()
            delay, began = _FIRST_POLL, self._with.clock.now()
            while open_ := [s for s in self._states if not s.answered]:
                if todo := [s for s in open_ if not s.accepted and s.trouble is None]:
                    await self._send(todo)
                    delay = _FIRST_POLL
                if waiting := [s for s in open_ if s.accepted and not s.answered]:
                    if self._with.clock.now() - began > self._p.poll_timeout:
                        self._give_up(waiting)
                        continue
                    await self._with.clock.sleep(delay)
                    delay = min(delay * _GROWTH, _LONGEST_POLL)
                    await self._poll(waiting)
                if again := [s for s in open_ if s.trouble is not None and not s.answered]:
                    await self._retry(again)
        finally:
            self._with.spending.pending -= self._open
            self._with.sent.forget(s.uuid for s in self._states if s.order)
            self._told()

    async def _recall(self) -> None:
        """Take up what was sent before, perhaps by a process that was killed.

        What failed then is sent anew, as another task: whoever asks again wants it tried again.
        """
        asked: set[str] = set()
        while True:
            open_ = {s.uuid: s for s in self._states if not s.answered and not s.accepted}
            known = self._with.sent.among(open_.keys() - asked, named=self._named)
            if not known:
                return
            asked |= known
            self._see_through()
            await self._ask([open_[uuid] for uuid in known], renew=True)

    def _see_through(self) -> None:
        """From now on giving up would lose what is paid."""
        self.patient = True
        self._accepted()

    async def _send(self, todo: Sequence[State]) -> None:
        shared, p = self._with, self._p
        try:
            await shared.gate.enter(p.rate_limit_delay, patient=self.patient)
            shared.spending.check(p.daily_limit)
            shared.sent.add((s.uuid for s in todo), named=self._named)
            reply = await shared.api.post([self._task(s) for s in todo], self._field)
        except RunnerError as error:
            await self._unsent(todo, error)
            return
        self._take(reply, todo)
        for state in todo:  # one of which nothing was said is asked for like any other
            state.accepted = state.accepted or (state.trouble is None and state.error is None)
        if any(s.accepted for s in todo):
            self._see_through()
        self._told()

    def _task(self, state: State) -> dict[str, Any]:
        content = state.item.content
        return {
            "taskType": content["taskType"],
            "taskUUID": state.uuid,
            **{name: value for name, value in content.items() if name != "taskType"},
            "deliveryMethod": self._p.delivery,
            "includeCost": True,
        }

    async def _unsent(self, todo: Sequence[State], error: RunnerError) -> None:
        """Nothing was accepted, or nobody knows."""
        if isinstance(error, AuthenticationError):
            self._with.gate.close(error)
        if isinstance(error, RateLimitError) and (error.retry_after or 0.0) <= _LONGEST_HINT:
            self._with.gate.hold(error.retry_after or 0.0)
        if _lost(error):
            await self._ask(todo, lost=error)
            todo = [s for s in todo if not s.accepted and not s.answered]
        if todo and not self.patient and len(todo) == len(self._states):
            self.refusal = error  # another runner may do better: that is not for us to decide
            for state in todo:
                state.fail(error)
            return
        for state in todo:
            state.trouble = error

    async def _ask(
        self, asked: Sequence[State], lost: RunnerError | None = None, *, renew: bool = False
    ) -> None:
        """Find out which of the tasks the server knows. With `renew` a failed one begins again."""
        tasks = [{"taskType": "getResponse", "taskUUID": s.uuid} for s in asked]
        while True:
            try:
                reply = await self._with.api.post(tasks, self._field)
                break
            except RunnerError as error:
                if lost is not None and not self.patient:
                    return  # it cannot be reached at all
                if not await self._wait(error, self._polls):
                    for state in asked:
                        state.fail(error)
                    return
                self._polls += 1
        self._polls = 0
        unknown = {uuid for uuid, error in reply.errors if _code(error) == LOST}
        known = Reply(reply.data, tuple(e for e in reply.errors if e[0] not in unknown))
        for state in asked:
            state.accepted = state.uuid not in unknown
        if renew:
            failed = {uuid for uuid, _ in known.errors}
            known = Reply(known.data, ())
        self._take(known, asked)
        for state in [s for s in asked if renew and s.uuid in failed]:
            state.again()

    async def _poll(self, waiting: Sequence[State]) -> None:
        tasks = [{"taskType": "getResponse", "taskUUID": s.uuid} for s in waiting]
        try:
            reply = await self._with.api.post(tasks, self._field)
        except RunnerError as error:
            self._polls += 1
            if not await self._wait(error, self._polls - 1):
                for state in waiting:
                    state.fail(error)
            return
        self._polls = 0
        self._take(reply, waiting)
        self._told()

    def _take(self, reply: Reply, states: Sequence[State]) -> None:
        """What an answer says of each of the tasks. What it says of others is none of ours."""
        self._with.work.steps += 1
        by_uuid = {state.uuid: state for state in states}
        for item in reply.data:
            state = by_uuid.get(str(item.get("taskUUID") or ""))
            if state is not None and (name := state.result(item)):
                self._open -= 1
                self._with.spending.pending -= 1
                self._seen(state, name, item)
        for uuid, error in reply.errors:
            if isinstance(error, AuthenticationError):
                self._with.gate.close(error)
            for state in [by_uuid[uuid]] if uuid in by_uuid else [] if uuid else states:
                # A task of which the server has never said a word did not reach it.
                error.retryable |= _code(error) == LOST and not state.known
                state.wrong(error)

    async def _retry(self, again: Sequence[State]) -> None:
        """Try once more what failed by itself, after a while that grows."""
        tried = max(state.tries for state in again)
        errors = [state.trouble for state in again if state.trouble is not None]
        worst = max(errors, key=lambda error: error.retry_after or 0.0)
        final = [s for s in again if s.trouble is not None and not s.trouble.retryable]
        for state in final:
            state.fail(state.trouble)  # type: ignore[arg-type]  # it has one, as chosen above
        left = [s for s in again if s not in final]
        if left and not await self._wait(worst, tried):
            for state in left:
                state.fail(state.trouble or worst)
            return
        for state in left:
            state.again()
            while self._with.sent.among((state.uuid,), named=self._named):
                state.again()  # that one failed before, as this request was tried before

    async def _wait(self, error: RunnerError, tried: int) -> bool:
        """Wait before the next try; False when there is to be none."""
        hint = error.retry_after or 0.0
        hopeful = error.retryable or error.detail == "malformed"  # a proxy may have spoken
        if not hopeful or tried >= self._p.retries or hint > _LONGEST_HINT:
            return False
        await self._with.clock.sleep(max(LADDER[min(tried, len(LADDER) - 1)], hint))
        return True

    def _give_up(self, waiting: Sequence[State]) -> None:
        for state in waiting:
            state.fail(
                UnavailableError(
                    f"The task {state.uuid} was not done within {self._p.poll_timeout:g} s. Ask "
                    "again later: if it is done by then it is not paid twice.",
                    detail="timeout",
                    retryable=False,
                )
            )


def _lost(error: RunnerError) -> bool:
    """Whether the request may have been carried out although no answer came."""
    unclear = isinstance(error, UnavailableError) or error.detail in ("cut", "malformed")
    return unclear and "upstream_status" not in error.data


def _code(error: RunnerError) -> str:
    return str(error.data.get("upstream_code") or "").lower()
