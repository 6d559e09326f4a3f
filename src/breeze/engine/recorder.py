"""Records what is asked and answered, round the source of an engine's events."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
from pydantic import SecretStr

from breeze.contracts.clock import Clock
from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.events import ALIVE, Finish
from breeze.contracts.recording import counted, key_of, plain
from breeze.contracts.requests import TranscribeRequest
from breeze.engine.instances import Instance
from breeze.engine.route import Route
from breeze.engine.stream import EventStream, Source
from breeze.engine.tape import Tape
from breeze.engine.unexpected import secrets_in
from breeze.engine.watch import Watch

_SHORTEST = 4
"""Characters of a secret; what is shorter stands in any text."""
_OURS = ("request_id", "runner", "model", "mock", "decision", "attempts", "metadata")
"""Facts of an answer that are of this very run."""


class Recorder:
    """A source that records what `source` gives, in a file of `folder` for each request.

    `secrets`: the values that must not be written, asked for each request.
    """

    def __init__(
        self, source: Source, folder: Path, clock: Clock, secrets: Callable[[], Iterable[str]]
    ) -> None:
        self._source = source
        self._folder = folder
        self._clock = clock
        self._secrets = secrets

    async def events(self, stream: EventStream[Any]) -> AsyncGenerator[Any]:
        """The events of the source, each written as it comes."""
        route, begun, over = stream.route, self._clock.now(), False
        tape = await self._begin(route, begun)
        try:
            async with aclosing(self._source.events(stream)) as events:
                async for event in events:
                    if type(event) is Finish:
                        over = True
                        self._end(tape, begun, route, event)
                    else:
                        tape.event(self._since(begun), event)
                    yield event
        except RunnerError as error:
            tape.error(self._since(begun), error.info())
            raise
        except BaseException:  # the reader left, or a stop from elsewhere
            if not over:
                tape.closed(self._since(begun))
            raise
        finally:
            tape.close()

    async def whole(self, route: Route, watch: Watch) -> Finish:
        """The end that the source gives. What came before has the time of the end."""
        begun = self._clock.now()
        tape = await self._begin(route, begun)
        try:
            end = await self._source.whole(route, watch)
            for event in route.fold.events:
                if event is not ALIVE:  # which no reader gets
                    tape.event(self._since(begun), event)
            self._end(tape, begun, route, Finish(end.reason, end.result, metadata=end.metadata))
        except RunnerError as error:
            tape.error(self._since(begun), error.info())
            raise
        except BaseException:  # a stop from elsewhere
            tape.closed(self._since(begun))
            raise
        finally:
            tape.close()
        return end

    async def _begin(self, route: Route, begun: float) -> Tape:
        request, tape = route.request, Tape(self._folder, self._secrets())
        asked, sound = plain(request), b""
        if isinstance(request, TranscribeRequest):
            if request.file:
                sound = await _read(Path(request.file))
                asked["audio"] = sound
            elif request.live is not None:
                live = self._overheard(request.live, tape, begun)
                route.request = msgspec.structs.replace(request, live=live)
        capability = request.needs
        heard = isinstance(route.request, TranscribeRequest) and route.request.live is not None
        try:
            key = "" if heard else key_of(counted(asked, sound), capability.value)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:  # no JSON holds it
            tape.refuse(error)
        else:
            tape.begin(asked, capability, key)
        return tape

    async def _overheard(
        self, live: AsyncIterable[bytes], tape: Tape, begun: float
    ) -> AsyncGenerator[bytes]:
        pieces = aiter(live)
        try:
            async for piece in pieces:
                tape.sound(self._since(begun), piece)
                yield piece
        finally:
            if (close := getattr(pieces, "aclose", None)) is not None:
                await close()

    def _end(self, tape: Tape, begun: float, route: Route, end: Finish) -> None:
        """The end; the whole answer stays out where the events add up to it."""
        result = end.result
        if result is not None:
            facts = {name: getattr(result, name) for name in _OURS}
            if route.fold.result(end, **facts) == result:
                end = Finish(end.reason, metadata=end.metadata)
        answer = {"runner": route.runner, "model": route.model, "mock": route.mock}
        tape.end(self._since(begun), end, answer)

    def _since(self, begun: float) -> float:
        return max(0.0, self._clock.now() - begun)


async def _read(path: Path) -> bytes:
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError:  # the runner will say so
        return b""


def folder_for(place: Path | str) -> Path:
    """The folder, private when it has to be made. Raises InputError when nothing can be kept."""
    folder = Path(place).expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be made: {error.strerror}. Record in a folder that you may write.",
            field="record",
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{folder} may not be written: choose another folder.", field="record")
    return folder


def secrets_of(instances: Iterable[Instance], keys: Iterable[SecretStr]) -> set[str]:
    """The values that an operator set as secrets, and those of the server's keys."""
    found = {key.get_secret_value() for key in keys}
    for parameters in filter(None, (instance.parameters for instance in instances)):
        found.update(secrets_in(parameters))
    return {value for value in found if len(value) >= _SHORTEST}
