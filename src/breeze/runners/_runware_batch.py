"""All pictures of a request: several tasks at once, downloads beside them, events in order."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from typing import Any

from breeze.contracts.errors import BlockedError, RunnerError
from breeze.contracts.events import ImageFailed, ImageReady, Progress
from breeze.runners._http_json import finite
from breeze.runners._runware_delivery import Course
from breeze.runners._runware_download import Picture, kept, picture_of, policy_of
from breeze.runners._runware_files import Shelf
from breeze.runners._runware_parameters import RunwareParameters
from breeze.runners._runware_shared import LADDER, Delivery
from breeze.runners._runware_state import State
from breeze.runners._runware_tasks import Job

_SIGN_OF_LIFE = 10.0
"""Seconds after which progress is told again, so that a long wait is not taken for silence."""
_OFTEN = 1.0
"""Seconds between two tellings of the same."""
Made = AsyncGenerator[ImageReady | ImageFailed | Progress]


class Batch:
    """The work of one request. Read `events`; `close` stops all of it."""

    def __init__(
        self, shared: Delivery, job: Job, p: RunwareParameters, shelf: Shelf, *, named: bool
    ) -> None:
        self._with = shared
        self._job = job
        self._p = p
        self._shelf = shelf
        self._named = named
        self._policy = policy_of(p)
        self._states = [State(item) for item in job.items]
        self._total = sum(item.count for item in job.items)
        self._tasks: set[asyncio.Task[None]] = set()
        self._signal = asyncio.Event()
        self._places = asyncio.Semaphore(p.in_flight)
        self._lines = asyncio.Semaphore(p.downloads)
        self._told = (float("-inf"), 0)
        self._fetched = 0
        self.made = 0
        self.cost: float | None = None

    async def events(self) -> Made:
        """Pictures and failures in the order asked. Raises the error when nothing came to be."""
        self._begin(self._send_all())
        failed: list[ImageFailed] = []
        ahead = iter(self._states)
        state = next(ahead, None)
        while state is not None:
            if not state.over:
                if self._worth_telling():
                    yield Progress("drawing", self._told[1], self._total)
                await self._change()
                continue
            self._count(state)
            for event in self._of(state):
                if isinstance(event, ImageFailed):
                    failed.append(event)
                    continue
                self.made += 1
                yield event
            if self.made:
                state.pictures.clear()  # whoever has them now decides how long they are kept
            while self.made and failed:  # until there is a picture, another runner may do it all
                yield failed.pop(0)
            state = next(ahead, None)
        if not self.made:
            raise self._blamed()

    async def close(self) -> None:
        """Stop everything that is under way, and wait until it has stopped."""
        while open_ := [task for task in self._tasks if not task.done()]:
            for task in open_:
                task.cancel()
            await asyncio.wait(open_)

    # sending ------------------------------------------------------------------------------

    async def _send_all(self) -> None:
        """Groups of tasks go out one after the other, the second when the first was accepted.

        Until then nothing is paid, and whoever asked may turn to somebody else.
        """
        todo = [state for state in self._states if not await self._remembered(state)]
        size = self._p.batch_size
        groups = [todo[at : at + size] for at in range(0, len(todo), size)]
        patient = asyncio.Event()
        for number, group in enumerate(groups):
            if number == 1:
                await patient.wait()
            await self._places.acquire()
            course = Course(
                self._with, group, self._p, named=self._named, field="prompts", seen=self._seen,
                told=self._signal.set, accepted=patient.set,
            )  # fmt: skip
            course.patient = number > 0
            self._begin(self._run(course, patient))
        self._signal.set()

    async def _run(self, course: Course, patient: asyncio.Event) -> None:
        try:
            await course.run()
        finally:
            self._places.release()
        if course.refusal is not None and not course.patient:
            for state in self._states:  # none of them has a chance
                state.fail(course.refusal)
        patient.set()
        self._signal.set()

    def _seen(self, state: State, name: str, result: Mapping[str, Any]) -> None:
        """A result is there: count what it cost, fetch it."""
        cost = finite(result.get("cost"))
        if cost is not None and cost >= 0:
            state.costs[name] = cost
            self._with.spending.add(name, cost)
        if result.get("NSFWContent") is True:
            state.failed[name] = BlockedError(
                "The picture was flagged as not safe for work. Change the prompt, or set safety.",
                detail="content_policy",
            )
            return
        digest = _digest(state, len(state.order) - 1)
        state.fetching[name] = self._begin(self._fetch(state, name, result, digest))

    # fetching -----------------------------------------------------------------------------

    async def _fetch(self, state: State, name: str, result: Mapping[str, Any], digest: str) -> None:
        async with self._lines:
            for tries in range(self._p.retries + 1):
                try:
                    state.pictures[name] = await picture_of(
                        result, self._shelf, digest, self._job.model, self._policy
                    )
                    self._fetched += 1
                    break
                except RunnerError as error:
                    if not error.retryable or tries == self._p.retries:
                        state.failed[name] = error
                        break
                await self._with.clock.sleep(LADDER[min(tries, len(LADDER) - 1)])
        self._with.work.steps += 1
        self._signal.set()

    async def _remembered(self, state: State) -> bool:
        """Whether all pictures of a task are kept from an earlier time; then they are taken."""
        if not self._p.cache:
            return False
        found: list[Picture] = []
        for number in range(state.item.count):
            path = self._shelf.find(_digest(state, number), self._job.model)
            picture = await asyncio.to_thread(kept, path) if path is not None else None
            if picture is None:
                return False
            found.append(picture._replace(seed=state.item.content.get("seed")))
        for number, picture in enumerate(found):
            state.order[str(number)] = number
            state.pictures[str(number)] = picture
            self._fetched += 1
            state.costs[str(number)] = 0.0
        return True

    # telling ------------------------------------------------------------------------------

    def _of(self, state: State) -> Iterator[ImageReady | ImageFailed]:
        made, lost = state.outcome()
        item = state.item
        for picture in made:
            yield ImageReady(
                picture.data, self.made, picture.form.mime, picture.form.width,
                picture.form.height, picture.seed, picture.cost, item.prompt, picture.file,
                picture.url,
            )  # fmt: skip
        for at, error in enumerate(lost, item.first + len(made)):
            yield ImageFailed(error.info(), item.prompt, at)

    def _count(self, state: State) -> None:
        if state.cost is not None:
            self.cost = (self.cost or 0.0) + state.cost

    def _worth_telling(self) -> bool:
        """Whether there are more pictures than was told last, or that was a while ago."""
        done, now = self._fetched, self._with.clock.now()
        if done == self._told[1] and now - self._told[0] < _OFTEN:
            return False
        self._told = now, done
        return True

    def _blamed(self) -> RunnerError:
        errors = [error for state in self._states for error in state.outcome()[1]]
        first = errors[0]
        if len(errors) > 1:
            first.data = {**first.data, "failures": len(errors)}
        return first

    async def _change(self) -> None:
        """Wait until something has changed, or for a while."""
        timer = self._with.clock.call_later(_SIGN_OF_LIFE, self._signal.set)
        try:
            await self._signal.wait()
        finally:
            timer.cancel()
        self._signal.clear()
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._signal.set())
        return task


def _digest(state: State, number: int) -> str:
    """Names the file of a wish: the same for the same wish, whoever has it and when."""
    said = f"{state.item.digest}/{state.item.first + number}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]
