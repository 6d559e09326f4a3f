"""Answers that were recorded, again: the same events for the same request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.clock import Clock, SystemClock
from breeze.contracts.errors import (
    NotLoadedError,
    ProcessingError,
    UnavailableError,
    from_info,
)
from breeze.contracts.events import Adjusted, Finish
from breeze.contracts.recording import UNREADABLE, Recording, Step, counted, key_of, plain
from breeze.contracts.request import AUTO, Request
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.contracts.values import ErrorInfo
from breeze.runners._replay_parameters import STALL, ReplayParameters
from breeze.runners._replay_shelf import Shelf, models_of
from breeze.runners._whole_sound import whole_sound

E = TypeVar("E")
_MOST = 512 * 1024 * 1024
"""Bytes of sound."""


@runner(
    "replay",
    vendor="Breeze",
    kind=RunnerKind.LOCAL,
    concurrency=1024,
    queue=1024,
    automatic=False,
)
class ReplayRunner(Runner[ReplayParameters]):
    """What `--record` has kept, answered again, at any speed and with faults on demand.

    Two requests are the same when they ask the same: ids, deadlines, names of models and of
    runners do not count. A recorded error is raised again. `clock` may be another for tests.
    """

    vision = True

    def __init__(self, parameters: ReplayParameters) -> None:
        super().__init__(parameters)
        self.clock: Clock = SystemClock()
        self._shelf: Shelf | None = None

    async def load(self, model: str) -> None:
        if self._shelf is None:
            shelf = Shelf(self._folder())
            await asyncio.to_thread(shelf.refresh)
            self._shelf = shelf

    async def unload(self) -> None:
        self._shelf = None

    def check(self) -> str | None:
        if missing := super().check():
            return missing
        folder = self.parameters.folder
        if folder is None:
            return "no recordings: set folder to one that --record has written"
        return None if folder.is_dir() else f"no recordings: {folder} is not there"

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models whose answers were recorded."""
        shelf = Shelf(self._folder())
        await asyncio.to_thread(shelf.refresh)
        able: dict[str, list[Capability]] = {}
        for one in shelf.recordings:
            if one.answer is not None and one.answer.model and one.capability in set(Capability):
                able.setdefault(one.answer.model, []).append(Capability(one.capability))
        return tuple(ModelInfo(name, tuple(dict.fromkeys(can))) for name, can in able.items())

    async def _answer(self, request: Request[E]) -> AsyncGenerator[E]:
        """The recorded events for `request`."""
        shelf = self._shelf or self._unloaded()
        p = self._parameters(request, shelf)
        capability = request.needs.value
        asked = await self._asked(request)
        with self.work.stream() as work:
            found = await self._found(shelf, key_of(asked, capability), request.model)
            if found is None:
                raise shelf.missing(asked, capability)
            if note := _other_model(request, found):
                yield note  # type: ignore[misc]  # every kind of answer may hold one
            begun, count = self.clock.now(), 0
            async with aclosing(_steps(found)) as steps:
                async for time, what in steps:
                    ends = not isinstance(what, msgspec.Struct) or isinstance(what, _ENDS)
                    if p.fault != "none" and (count >= p.after or ends):
                        await self._fail(p)
                    if p.speed:
                        await self.clock.sleep(begun + time / p.speed - self.clock.now())
                    if isinstance(what, ErrorInfo):
                        raise from_info(what)
                    if what is None:
                        break
                    count += 1
                    work.steps += 1
                    yield _without_time(what)
                    if isinstance(what, Finish):
                        return
            if p.fault != "none":
                await self._fail(p)
            raise _breaks_off(found, count)

    chat = transcribe = speak = moderate = draw = embed = _answer

    async def _found(self, shelf: Shelf, key: str, model: str) -> Recording | None:
        """The recording; the folder is looked at again when it is not known yet."""
        wanted = "" if model == AUTO else model
        if (found := shelf.find(key, wanted)) is None:
            await asyncio.to_thread(shelf.refresh)
            found = shelf.find(key, wanted)
        return found

    async def _asked(self, request: Request[Any]) -> dict[str, Any]:
        """What counts of `request`, a live source heard to its end."""
        sound = b""
        if isinstance(request, TranscribeRequest):
            sound = await whole_sound(request, _MOST)
        given = plain(request)
        own = self.parameters.facts
        given["params"] = {n: v for n, v in request.params.items() if n not in own}
        if not given["params"]:
            del given["params"]
        return await asyncio.to_thread(counted, given, sound)

    def _parameters(self, request: Request[Any], shelf: Shelf) -> ReplayParameters:
        """With the request's overrides; those that were recorded are part of the question."""
        recorded = shelf.params() - self.parameters.facts.keys() if request.params else ()
        own = {name: v for name, v in request.params.items() if name not in recorded}
        return self.parameters.for_request(own)

    async def _fail(self, p: ReplayParameters) -> NoReturn:
        if p.fault == STALL:
            await asyncio.Event().wait()
        raise p.failure()

    def _folder(self) -> Path:
        folder = self.parameters.folder
        if folder is None:
            raise UnavailableError(
                "There is nothing to replay: set folder to one that --record has written.",
                field="folder",
                retryable=False,
            )
        return folder

    def _unloaded(self) -> NoReturn:
        raise NotLoadedError("The recordings are not read: call load first.", runner="replay")


_ENDS = (Finish, ErrorInfo)


def _steps(recording: Recording) -> AsyncGenerator[Step]:
    return from_thread(lambda outlet: _send(recording, outlet))


def _send(recording: Recording, outlet: Outlet[Step]) -> None:
    try:
        for step in recording.steps():
            if not outlet.send(step):
                return
    except UNREADABLE as error:
        raise ProcessingError(
            f"{recording.file} cannot be read: {error}. Record it again.",
            detail="malformed",
            retryable=False,
        ) from error


def _other_model(request: Request[Any], found: Recording) -> Adjusted | None:
    """Said when the answer was recorded from another model than is asked for."""
    answer = found.answer
    if answer is None or not answer.model or request.model in (AUTO, "", *models_of(found)):
        return None
    why = f"the recorded answer is that of {answer.model}"
    return Adjusted("model", request.model, answer.model, why)


def _without_time(event: Any) -> Any:
    """What took how long is measured anew."""
    if isinstance(event, Finish) and event.metadata and "processing_time_ms" in event.metadata:
        kept = {n: v for n, v in event.metadata.items() if n != "processing_time_ms"}
        return msgspec.structs.replace(event, metadata=kept or None)
    return event


def _breaks_off(found: Recording, count: int) -> ProcessingError:
    return ProcessingError(
        f"{found.file.name} breaks off after {count} events: its reader had left, or the program "
        "was stopped. Record it again.",
        detail="cut",
        retryable=False,
    )
