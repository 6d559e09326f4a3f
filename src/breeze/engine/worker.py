"""A running worker as the engine sees it: its process, its channel, and the calls it serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from copy import copy
from functools import partial
from typing import Any

import msgspec

from breeze.contracts.clock import Clock
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import ALIVE, Progress
from breeze.contracts.redaction import redacted
from breeze.contracts.request import Request
from breeze.contracts.runner import ModelInfo
from breeze.contracts.work import Work
from breeze.engine.worker_calls import Call, Feeding
from breeze.engine.worker_channel import Channel
from breeze.engine.worker_death import died, out_of_memory_kills, resident, stopped
from breeze.engine.worker_errors import raised, too_large, unloaded
from breeze.engine.worker_frames import TooLong
from breeze.engine.worker_messages import (
    Account,
    Cancel,
    Credit,
    Failed,
    FromWorker,
    Happened,
    Hello,
    Listed,
    Load,
    Loading,
    Message,
    Models,
    Run,
    Unload,
)  # fmt: skip
from breeze.engine.worker_process import WorkerProcess
from breeze.engine.worker_pulse import Limit

_ENDING = 1.0
_UNLOADING = 10.0
_LONGEST_KEY = 256
_log = logging.getLogger("breeze.workers")


class Worker:
    """One process that holds one runner, called `name`. `secrets` are never shown.

    `lost` is called at once when it ends by itself; `alive` is False from then on.
    """

    def __init__(
        self,
        name: str,
        hello: Hello,
        clock: Clock,
        threads: int,
        work: Work,
        secrets: tuple[str, ...],
        lost: Callable[[], object],
    ) -> None:
        self.alive = True
        self.progress: Callable[[Progress], object] = lambda progress: None
        self._name, self._clock, self._work = name, clock, work
        self.secrets, self._lost = secrets, lost
        self._why = ""
        self._busy = self._closing = False
        self._kills = out_of_memory_kills()
        self._size = 0
        self._calls: dict[int, Call] = {}
        self._feeding: dict[int, Feeding] = {}
        self._last = 0
        self._burial: asyncio.Task[None] | None = None
        self._verdict: RunnerError | None = None
        self._process = WorkerProcess(clock, threads, lambda: self._channel.hang_up())
        end = self._process.end
        self._channel: Channel[Any] = Channel(end, FromWorker, self._took, self._ended)
        self.send = self._channel.send
        self.send(hello)

    @property
    def pid(self) -> int:
        return self._process.pid

    def resident(self) -> int:
        """Bytes of memory that it takes now; 0 when unknown."""
        self._size = resident(self.pid) or self._size
        return self._size

    async def load(self, model: str) -> None:
        """Raises what the runner's load raises."""
        await self._ask(lambda number: Load(number, model))
        self.resident()

    async def models(self) -> tuple[ModelInfo, ...]:
        """What the runner says that it serves."""
        return await self._ask(Models)  # type: ignore[no-any-return]

    async def _ask(self, message: Callable[[int], Message]) -> Any:
        call = self._call(message)
        try:
            return await call.answer()
        except asyncio.CancelledError:
            self._busy = True  # it goes on there, with nobody to hear of it
            raise
        finally:
            self._calls.pop(call.id, None)

    def _call(self, message: Callable[[int], Message]) -> Call:
        self._last += 1
        call = Call(self._last, self.send)
        if self._verdict is not None:
            call.end(self._verdict)
            return call
        try:
            self.send(message(call.id))
        except TooLong as error:
            raise too_large(self._name, error.size) from error
        self._calls[call.id] = call
        return call

    async def events(self, request: Request[Any]) -> AsyncGenerator[Any]:
        """The events of a stream in the worker. Closing it stops the work there."""
        live = getattr(request, "live", None)
        if live is not None:
            request = msgspec.structs.replace(request, live=None)
        call = self._call(lambda number: Run(number, request, live is not None))  # type: ignore[arg-type]
        feeding = None
        if live is not None:
            feeding = self._feeding[call.id] = Feeding(call, live, self.send)
        try:
            while True:
                while call.items:
                    yield call.take()
                if call.over:
                    break
                await call.news()
            if call.error is not None:
                raise call.source_error or copy(call.error)
        finally:
            try:
                if feeding is not None:
                    del self._feeding[call.id]
                    await feeding.stop()
            finally:  # however often who reads is told to stop
                await self._leave(call)

    async def _leave(self, call: Call) -> None:
        """Stop what still runs. It may outlast this, but not for long: then the worker ends."""
        if not call.over:
            self.send(Cancel(call.id))
            call.limit = Limit(self.pid, self._clock, self._needed, partial(self._overdue, call))
            await call.leave(self._clock)
        if call.over:
            self._calls.pop(call.id, None)

    def _needed(self) -> bool:
        return not all(call.left or call.over for call in self._calls.values())

    def _overdue(self, call: Call, seconds: float) -> None:
        if not call.over:
            self.stop(f"a request that was cancelled did not stop within {seconds:g} s")

    def stop(self, why: str) -> None:
        """End it; everyone whom it serves is told why."""
        self._why = self._why or why
        self._process.stop()

    def _took(self, message: Any) -> None:
        kind = type(message)
        if kind is Account:
            self._work.active, self._work.steps = message.active, message.steps
            return
        call = self._calls.get(message.id)
        if call is None:
            return
        if kind is Happened:
            event = message.event
            call.put(ALIVE if type(event) is Progress and event == ALIVE else event)
        elif kind is Credit:
            if (feeding := self._feeding.get(call.id)) is not None:
                feeding.give(message.count)
        elif kind is Loading:
            self.progress(message.progress)
        else:
            if kind is Listed:
                call.put(message.models)
            call.end(raised(message, self._name, self.secrets) if kind is Failed else None)
            if call.left:
                del self._calls[call.id]

    def _ended(self, why: str) -> None:
        """The channel is closed, from the other side or because of what came."""
        self.alive = False
        if why:
            self._why = self._why or why
            self._process.kill()
        self._burial = asyncio.ensure_future(self._bury())
        if not self._closing:
            self._lost()

    async def _bury(self) -> None:
        """Tell everyone whom it served, once it is known how it ended."""
        code = await self._process.leave(_ENDING)
        self._work.active = 0
        error = self._verdict = self._judged(code)
        for call in sorted(self._calls.values(), key=lambda call: call.left):
            call.end(copy(error))
            error.relayed = True  # it is one failure, however many it hit

    def _judged(self, code: int) -> RunnerError:
        tail = redacted(self._process.tail, self.secrets)
        if self._process.cut:  # perhaps within a secret
            tail = tail[max(_LONGEST_KEY, *map(len, self.secrets)) :]
        if self._why:
            error: RunnerError = stopped(self._name, code, self._why)
        else:
            starved = out_of_memory_kills() > self._kills
            error = died(self._name, code, tail, self._size, starved=starved)
        _log.warning("%s (process %d) %s", error.message, self.pid, tail.strip())
        return error

    async def close(self) -> None:
        """Unload the runner and end the process; at once when it is at work, or in a hurry."""
        if self.alive and not self._closing:
            self._closing = True
            try:
                await self._leave_process()
            finally:  # nobody waits for it, so it must not outlast this
                self._process.kill()
        elif self._burial is not None:
            await asyncio.shield(self._burial)

    async def _leave_process(self) -> None:
        busy = self._busy or bool(self._calls)
        if not busy:
            await self._unload()
        self.alive = False
        self._channel.close()
        if busy:
            self._process.stop()
        await self._process.leave(_ENDING)
        self._work.active = 0
        self._verdict = unloaded(self._name)
        for call in self._calls.values():
            call.end(self._verdict)

    async def _unload(self) -> None:
        timer = self._clock.call_later(_UNLOADING, self._process.stop)
        try:
            await self._ask(Unload)
        except RunnerError as error:  # it ends all the same, and everything of it goes
            _log.warning("%s could not unload: %s", self._name, error.message)
        finally:
            timer.cancel()
