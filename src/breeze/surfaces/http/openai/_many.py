"""Several requests of the engine behind one request of a client, a few of them at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

import msgspec

from breeze.contracts.answers import Result
from breeze.contracts.errors import CancelledError, RunnerError
from breeze.contracts.events import AnyEvent, Finish, Usage
from breeze.contracts.request import Request
from breeze.contracts.results import cut
from breeze.engine.stream import EventStream
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.reply import Facts

AT_ONCE = 8
"""Requests of one call that run at a time, so that one client does not fill every queue."""
_AHEAD = 64
"""Events that may wait for the client to read."""


class Numbered(NamedTuple):
    """An event of request `number`, and the stream it came from."""

    number: int
    event: AnyEvent
    stream: EventStream[Any]


async def run_all(call: Call, requests: Sequence[Request[Any]]) -> list[tuple[Result, Facts]]:
    """The whole answer of each request, in order. The first failure stops the others."""
    if len(requests) == 1:
        return [await call.run(requests[0])]
    found: dict[int, tuple[Result, Facts]] = {}
    whole = [msgspec.structs.replace(request, whole=True) for request in requests]
    async with aclosing(events_of(call, whole)) as events:
        async for number, event, stream in events:
            if isinstance(event, Finish):
                assert event.result is not None  # the engine completes every end
                found[number] = (event.result, Facts.of(stream))
    return [found[number] for number in range(len(requests))]


async def events_of(call: Call, requests: Sequence[Request[Any]]) -> AsyncGenerator[Numbered]:
    """The events of all requests as they come. It raises the first failure of any of them."""
    if len(requests) == 1:
        async with call.stream(requests[0]) as stream:
            async for event in stream:
                yield Numbered(0, event, stream)
                if isinstance(event, Finish):
                    return
        raise cut(stream.route.delivered)
    async with aclosing(_side_by_side(call, requests)) as events:
        async for numbered in events:
            yield numbered


async def _side_by_side(call: Call, requests: Sequence[Request[Any]]) -> AsyncGenerator[Numbered]:
    ready: asyncio.Queue[Numbered | Exception] = asyncio.Queue(_AHEAD)
    work = _Work(call, requests, ready)
    tasks = [asyncio.create_task(work.go()) for _ in range(min(AT_ONCE, len(requests)))]
    ended = 0
    try:
        while ended < len(requests):
            item = await ready.get()
            if isinstance(item, Exception):
                raise item
            ended += isinstance(item.event, Finish)
            yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Work:
    """Takes one request after the other; several tasks do so side by side."""

    def __init__(
        self,
        call: Call,
        requests: Sequence[Request[Any]],
        ready: asyncio.Queue[Numbered | Exception],
    ) -> None:
        self._call = call
        self._first = requests[0].id
        self._waiting = iter(enumerate(requests))
        self._ready = ready
        self._live: set[EventStream[Any]] = set()
        self._left = False

    async def go(self) -> None:
        """Work until nothing waits. A failure goes to the reader, whatever it is."""
        try:
            for number, request in self._waiting:
                await self._one(number, request)
        except Exception as error:  # raised again where the events are read
            if isinstance(error, RunnerError):
                self._call.code = self._call.code or error.code
            await self._ready.put(error)

    async def _one(self, number: int, request: Request[Any]) -> None:
        stream = self._open(request)
        try:
            async with stream:
                async for event in stream:
                    await self._ready.put(Numbered(number, event, stream))
                    if isinstance(event, Finish):
                        return
            raise cut(stream.route.delivered)
        finally:
            self._live.discard(stream)
            self._call.app.owners.pop(request.id, None)

    def _open(self, request: Request[Any]) -> EventStream[Any]:
        if self._left:
            raise CancelledError("The client left.")
        stream = self._call.stream(request)
        self._live.add(stream)
        self._call.request_id = self._first  # the whole call goes by its first request
        self._call.on_leaving(self._stop)
        return stream

    def _stop(self) -> None:
        self._left = True
        for stream in tuple(self._live):
            stream.cancel()


def summed(usages: Iterable[Usage | None]) -> Usage:
    """What several requests used together."""
    total = Usage()
    for used in usages:
        if used is not None:
            total = Usage(
                total.prompt_tokens + used.prompt_tokens,
                total.completion_tokens + used.completion_tokens,
                total.reasoning_tokens + used.reasoning_tokens,
                total.cached_tokens + used.cached_tokens,
            )
    return total


def merged(facts: Sequence[Facts]) -> Facts:
    """Who answered, when several requests did: the first, with all that was adjusted."""
    adjusted = dict.fromkeys(field for one in facts for field in one.adjusted)
    mock = any(one.mock for one in facts)
    return msgspec.structs.replace(facts[0], adjusted=tuple(adjusted), mock=mock)
