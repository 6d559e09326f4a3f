"""Models that a request names and nobody here has: what to run to get them, or getting them.

A source round another one. A request that names no model, or one that was found a moment ago,
goes straight through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any, Protocol

from breeze.contracts.clock import Clock
from breeze.contracts.errors import NotFoundError
from breeze.contracts.events import Finish, Progress
from breeze.contracts.request import AUTO, Request
from breeze.engine.roster import Roster
from breeze.engine.route import Route
from breeze.engine.stream import EventStream, Source
from breeze.engine.watch import Watch


class Supplier(Protocol):
    """Whoever can get models. `automatic`: a request may make it do so."""

    @property
    def automatic(self) -> bool:
        """Whether requests wait for the models they name."""

    def known(self, names: Iterable[str]) -> str:
        """The first of `names` that it can get and that is not here; "" when there is none."""

    def hint(self, name: str) -> str:
        """What a person runs to get it; "" for what it never heard of."""

    def pull(self, name: str) -> AsyncGenerator[Progress]:
        """Get it. Closing this only ends the watching. Raises RunnerError."""

    async def close(self) -> None:
        """Stop what goes on."""


class Supply:
    """The events of `source`, and before them the progress of a model that had to be got."""

    def __init__(self, source: Source, roster: Roster, supplier: Supplier, clock: Clock) -> None:
        self._source = source
        self._roster = roster
        self._supplier = supplier
        self._clock = clock
        self._waited = Counter[str]()
        self._refreshed = Counter[str]()

    def events(self, stream: EventStream[Any]) -> AsyncGenerator[Any]:
        """The events, preceded by Progress when a model is got. Raises NotFoundError: what to run.

        Time that goes into getting a model does not count against a deadline that nobody gave.
        """
        if self._is_plain(stream.route.request):
            return self._source.events(stream)
        return self._supplied(stream)

    async def whole(self, route: Route, watch: Watch) -> Finish:
        """The end that the source gives, once the model is here."""
        if not self._is_plain(route.request):
            async with aclosing(self._got(route.request, watch)) as steps:
                async for _ in steps:
                    pass
        return await self._source.whole(route, watch)

    async def _supplied(self, stream: EventStream[Any]) -> AsyncGenerator[Any]:
        watch = stream.watch
        with stream.work():
            async with aclosing(self._got(stream.route.request, watch)) as steps:
                async for progress in steps:
                    watch.pause()
                    yield progress
                    watch.resume()
            watch.pause()
        async with aclosing(self._source.events(stream)) as events:
            async for event in events:
                yield event

    def _is_plain(self, request: Request[Any]) -> bool:
        return request.model == AUTO or self._roster.recall(request) is not None

    async def _got(self, request: Request[Any], watch: Watch) -> AsyncGenerator[Progress]:
        """Get the model of `request` if it has to be got."""
        name = await self._missing(request)
        if not name:
            return
        allowed, refreshed = watch.deadline - self._clock.now(), self._refreshed[name]
        self._waited[name] += 1
        try:
            async with aclosing(self._supplier.pull(name)) as steps:
                async for progress in steps:
                    if request.deadline is None:
                        watch.deadline = self._clock.now() + allowed
                    yield progress
            if self._refreshed[name] == refreshed:  # else another one who waited has done it
                self._refreshed[name] += 1
                self._roster.refresh()  # who serves it has to be asked anew
        finally:
            self._waited[name] -= 1

    async def _missing(self, request: Request[Any]) -> str:
        """The model that must be got for `request`; "" when there is none. Raises NotFoundError."""
        instance, _, model = request.model.partition("/")
        if instance in self._roster.instances and self._supplier.automatic:
            served = (await self._roster.models()).get(instance, ())
            return "" if model in {m.id for m in served} else self._supplier.known((model,))
        try:
            await self._roster.consider(request)
        except NotFoundError as error:
            if error.field != "model":
                raise
            if self._supplier.automatic and (name := self._supplier.known((request.model,))):
                return name
            if self._waited[request.model]:  # it came a moment ago, and nobody was asked anew yet
                return request.model
            if hint := self._supplier.hint(request.model):
                raise NotFoundError(
                    f"The model {request.model!r} is not on this disk. {hint}", field="model"
                ) from None
            raise
        return ""
