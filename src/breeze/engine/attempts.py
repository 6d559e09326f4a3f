"""One try of one runner: lease, run, make sure of the end, keep the account."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

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
        account = _Account(request, choice, self._clock)
        try:
            for adjusted in _stands_in(request, choice):
                yield adjusted
            async with self._pool.lease(_key(instance, choice), instance.make) as runner:
                asked = _prepared(runner, instance, request, choice, route)
                events = runner.stream(asked)
                try:
                    async for event in events:
                        if not account.events:
                            account.first = self._clock.now()
                        account.events += 1
                        kind = type(event)
                        if kind is Usage:
                            account.usage = event
                        elif kind is Finish:
                            account.status, account.code = "finished", ""
                            yield event
                            return
                        yield event
                finally:
                    await events.aclose()
            raise cut(account.events)
        except RunnerError as error:
            account.status, account.code = "error", error.code
            error.runner, error.model = error.runner or choice.name, error.model or choice.model
            raise
        except Exception as error:  # a runner may raise anything; callers get our tree
            account.status, account.code = "error", ProcessingError.code
            raise _unexpected(instance, choice, error) from error
        finally:
            self._ledger.add(account.row())


class _Account:
    """What one attempt is known to have used, so far. Cancelled, unless something else is said."""

    __slots__ = (
        "_choice", "_clock", "_request", "_started", "_wall", "code", "events", "first", "status",
        "usage",
    )  # fmt: skip

    def __init__(self, request: Request[Any], choice: Choice, clock: Clock) -> None:
        self._request, self._choice, self._clock = request, choice, clock
        self._wall, self._started = time.time(), clock.now()
        self.first: float | None = None
        self.events = 0
        self.usage: Usage | None = None
        self.status, self.code = "cancelled", "E302"

    def row(self) -> Row:
        used = self.usage or _NOTHING
        first = None if self.first is None else self.first - self._started
        request, choice = self._request, self._choice
        return Row(
            request.id, request.session_id, request.needs, choice.name, choice.model,
            self._wall, self._clock.now() - self._started, first, self.status, self.code,
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
