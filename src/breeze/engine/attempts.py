"""One try of one runner: lease, run, make sure of the end, keep the account."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import Any, Self

import msgspec
from pydantic import SecretStr

from breeze.contracts.clock import Clock
from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import Adjusted, Finish, Usage
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import AUTO, Request
from breeze.contracts.results import cut
from breeze.contracts.runner import Runner
from breeze.engine.instances import Instance
from breeze.engine.ledger import Ledger, Row
from breeze.engine.pool import Key, Pool
from breeze.engine.selection import Choice
from breeze.engine.stream import Route


class Attempts:
    """Tries runners. `instances` is the engine's own mapping and may change between requests."""

    def __init__(
        self, instances: Mapping[str, Instance], pool: Pool, clock: Clock, ledger: Ledger
    ) -> None:
        self._instances = instances
        self._pool = pool
        self._clock = clock
        self._ledger = ledger

    async def run(self, request: Request[Any], choice: Choice, route: Route) -> AsyncGenerator[Any]:
        """The events of `choice` for `request`, ending in `Finish` or in a RunnerError."""
        instance = self._instances[choice.name]
        with _Account(request, choice, instance, self._clock, self._ledger) as account:
            for adjusted in _stands_in(request, choice):
                yield adjusted
            async with self._pool.lease(_key(instance, choice), instance.make) as runner:
                events = runner.stream(_prepared(runner, instance, request, choice, route))
                try:
                    async for event in events:
                        account.saw(event)
                        yield event
                        if account.finished:
                            return
                finally:
                    await events.aclose()
            raise cut(account.events)

    async def whole(
        self, request: Request[Any], choice: Choice, route: Route, seen: Callable[[], object]
    ) -> Finish:
        """The end of `choice`'s answer to `request`, all before it being in `route.fold`.

        `seen` is called for each event. Raises RunnerError.
        """
        instance = self._instances[choice.name]
        add = route.begin().add
        with _Account(request, choice, instance, self._clock, self._ledger) as account:
            for adjusted in _stands_in(request, choice):
                add(adjusted)
            async with self._pool.lease(_key(instance, choice), instance.make) as runner:
                events = runner.stream(_prepared(runner, instance, request, choice, route))
                try:
                    async for event in events:
                        seen()
                        account.saw(event)
                        if account.finished:
                            return event  # type: ignore[no-any-return]
                        add(event)
                finally:
                    await events.aclose()
            raise cut(account.events)


class _Account:
    """What one attempt is known to have used, so far; a row of the ledger when it is over.

    Cancelled, unless something else is said. What a runner raises becomes one of our errors.
    """

    __slots__ = (
        "_choice", "_clock", "_code", "_first", "_instance", "_ledger", "_request", "_started",
        "_status", "_usage", "_wall", "events", "finished",
    )  # fmt: skip

    def __init__(
        self,
        request: Request[Any],
        choice: Choice,
        instance: Instance,
        clock: Clock,
        ledger: Ledger,
    ) -> None:
        self._request, self._choice, self._instance = request, choice, instance
        self._clock, self._ledger = clock, ledger
        self._wall, self._started = time.time(), clock.now()
        self._first: float | None = None
        self._usage: Usage = _NOTHING
        self._status, self._code = "cancelled", "E302"
        self.events = 0
        self.finished = False

    def saw(self, event: Any) -> None:
        """The next event."""
        if not self.events:
            self._first = self._clock.now()
        self.events += 1
        kind = type(event)
        if kind is Usage:
            self._usage = event
        elif kind is Finish:
            self.finished = True
            self._status, self._code = "finished", ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        try:
            if error is not None:
                self._failed(error)
        finally:
            self._ledger.add(self._row())

    def _failed(self, error: BaseException) -> None:
        choice = self._choice
        if isinstance(error, RunnerError):
            self._status, self._code = "error", error.code
            error.runner, error.model = error.runner or choice.name, error.model or choice.model
        elif isinstance(error, Exception):  # a runner may raise anything; callers get our tree
            self._status, self._code = "error", ProcessingError.code
            raise _unexpected(self._instance, choice, error) from error

    def _row(self) -> Row:
        used = self._usage
        first = None if self._first is None else self._first - self._started
        request, choice = self._request, self._choice
        return Row(
            request.id, request.session_id, request.needs, choice.name, choice.model,
            self._wall, self._clock.now() - self._started, first, self._status, self._code,
            self.events, used.prompt_tokens, used.completion_tokens, used.characters,
            used.audio_seconds, used.images, used.cost,
        )  # fmt: skip


_NOTHING = Usage()


def _stands_in(request: Request[Any], choice: Choice) -> Iterator[Adjusted]:
    """What the caller asked for and does not get, when `choice` answers instead of another."""
    if choice.named:
        return
    why = "what was asked for could not answer"
    if request.runner:
        yield Adjusted("runner", request.runner, choice.name, why)
    if request.model not in (AUTO, ""):
        yield Adjusted("model", request.model, choice.model or choice.name, why)


def _key(instance: Instance, choice: Choice) -> Key:
    info = instance.info
    return Key(instance.name, choice.model if info is not None and info.one_model else "")


def _prepared(
    runner: Runner[Any],
    instance: Instance,
    request: Request[Any],
    choice: Choice,
    route: Route,
) -> Request[Any]:
    """Note who answers, hand over the present parameters, name the model that is meant."""
    runner.parameters = instance.parameters
    route.runner, route.model, route.mock = choice.name, choice.model, runner.info.mock
    if request.model == choice.model:
        return request
    return msgspec.structs.replace(request, model=choice.model)


def _unexpected(instance: Instance, choice: Choice, error: Exception) -> ProcessingError:
    text = scrub(f"{type(error).__name__}: {error}", instance.parameters)
    return ProcessingError(f"{choice.name} failed: {text}", runner=choice.name, model=choice.model)


def scrub(text: str, parameters: Parameters | None) -> str:
    """`text` without the values of the secrets among `parameters`."""
    if parameters is not None:
        for name in parameters.facts:
            value = getattr(parameters, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                text = text.replace(value.get_secret_value(), "***")
    return text
