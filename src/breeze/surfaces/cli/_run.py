"""Opens the engine and streams one request into a view."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from breeze.contracts.answers import Moderation, Result
from breeze.contracts.errors import CancelledError, RunnerError
from breeze.contracts.events import AnyEvent, Finish
from breeze.contracts.request import Request
from breeze.surfaces.cli._exit import BLOCKED, DONE, code_of
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._options import Work
from breeze.surfaces.cli._stop import interruptible
from breeze.surfaces.cli._terminal import note

if TYPE_CHECKING:
    from breeze.contracts.capability import Capability
    from breeze.engine.engine import Engine
    from breeze.surfaces.cli._service import Events, Service

T = TypeVar("T")
Keep = Callable[[Result], object]
"""Stores what a whole answer brought, before the end is shown."""


class View(Protocol):
    """Shows one answer while it comes."""

    def begin(self) -> None:
        """The request is on its way."""

    def show(self, event: AnyEvent) -> None:
        """The next event."""

    def fail(self, error: RunnerError) -> None:
        """The answer ends in `error`."""


def answer(work: Work, request: Request[Any], view: View, keep: Keep | None = None) -> int:
    """Stream `request` into `view`. The exit code."""
    try:
        return _run(_answer(work, request, view, keep))
    except RunnerError as error:
        view.fail(error)
        return code_of(error)


def run(main: Coroutine[Any, Any, T], *, json: bool = False) -> T:
    """What `main` returns. A RunnerError passes on, or with `json` ends here as a line."""
    try:
        return _run(main)
    except RunnerError as error:
        if not json:
            raise
        JsonView().fail(error)
        raise click.exceptions.Exit(code_of(error)) from None


def _run(main: Coroutine[Any, Any, T]) -> T:
    """`main` on a loop of its own. Raises CancelledError when a signal stopped it."""
    try:
        return asyncio.run(main)
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise CancelledError("Stopped.") from None


async def _answer(work: Work, request: Request[Any], view: View, keep: Keep | None) -> int:
    with interruptible() as stop:
        async with service(work, request.needs) as doing:
            view.begin()
            async with doing.stream(request) as events:
                stop.stream = events
                for remark in await doing.remarks(request):
                    note(remark)
                return await _show(events, view, keep)


async def _show(events: Events, view: View, keep: Keep | None) -> int:
    code = DONE
    async for event in events:
        if type(event) is Finish and event.result is not None:
            if keep is not None:
                keep(event.result)
            if isinstance(event.result, Moderation) and event.result.status == "BLOCKED":
                code = BLOCKED
        view.show(event)
    return code


@asynccontextmanager
async def service(work: Work, capability: Capability) -> AsyncIterator[Service]:
    """Whoever does the work: the server at `work.url`, or else an engine of our own."""
    from breeze.surfaces.cli._service import Embedded, Remote, client_of

    if work.url:
        async with client_of(work) as client:
            yield Remote(client)
    else:
        async with opened(work, capability) as engine:
            yield Embedded(engine)


@asynccontextmanager
async def opened(work: Work, capability: Capability) -> AsyncIterator[Engine]:
    """The engine with the command line's parameters; what its files noticed is said aloud."""
    from breeze.engine.engine import Engine
    from breeze.service.supply import StoreSupply
    from breeze.surfaces.cli._params import overrides

    extra = {}
    if work.params:
        async with Engine.open(config=work.config, ledger=False) as known:
            extra = overrides(work.params, known.instances, capability, work.runner)
    async with Engine.open(
        config=work.config, overrides=extra, record=work.record, supplier=StoreSupply
    ) as engine:
        for notice in engine.layers.config.notices:
            note(f"{engine.layers.config.path or 'configuration'}: {notice}")
        yield engine
