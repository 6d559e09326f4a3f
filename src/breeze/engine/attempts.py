"""One try of one runner: lease, run, make sure of the end, keep the account."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
from pydantic import SecretStr

from breeze.contracts.clock import Clock
from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import Finish, Usage
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import Request
from breeze.contracts.results import cut
from breeze.engine.instances import Instance
from breeze.engine.ledger import Ledger, Row
from breeze.engine.pool import Key, Pool
from breeze.engine.selection import Choice
from breeze.engine.stream import Route


class _Account:
    """What one attempt is known to have used, so far."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.started, self._begun = time.time(), clock.now()
        self.first: float | None = None
        self.events = 0
        self.usage: Usage | None = None
        self.status, self.code = "cancelled", "E302"

    def saw(self, event: Any) -> None:
        self.events += 1
        if self.first is None:
            self.first = self._clock.now() - self._begun
        if type(event) is Usage:
            self.usage = event

    def row(self, request: Request[Any], choice: Choice) -> Row:
        used = self.usage or Usage()
        return Row(
            request.id, request.session_id, str(request.needs), choice.name, choice.model,
            self.started, self._clock.now() - self._begun, self.first, self.status, self.code,
            self.events, used.prompt_tokens, used.completion_tokens, used.characters,
            used.audio_seconds, used.images, used.cost,
        )  # fmt: skip


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
        account = _Account(self._clock)
        try:
            async with aclosing(self._leased(instance, request, choice, route)) as events:
                async for event in events:
                    account.saw(event)
                    if type(event) is Finish:
                        account.status, account.code = "finished", ""
                        yield event
                        return
                    yield event
            raise cut(account.events)
        except RunnerError as error:
            account.status, account.code = "error", error.code
            error.runner, error.model = error.runner or choice.name, error.model or choice.model
            raise
        except Exception as error:  # a runner may raise anything; callers get our tree
            account.status, account.code = "error", ProcessingError.code
            raise _unexpected(instance, choice, error) from error
        finally:
            self._ledger.add(account.row(request, choice))

    async def _leased(
        self, instance: Instance, request: Request[Any], choice: Choice, route: Route
    ) -> AsyncGenerator[Any]:
        info = instance.info
        key = Key(instance.name, choice.model if info and info.one_model else "")
        async with self._pool.lease(key, instance.make) as runner:
            runner.parameters = instance.parameters
            route.runner, route.model = choice.name, choice.model
            route.mock = bool(info and info.mock)
            if request.model != choice.model:
                request = msgspec.structs.replace(request, model=choice.model)
            async with aclosing(runner.stream(request)) as events:
                async for event in events:
                    yield event


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
