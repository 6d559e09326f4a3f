"""One try of one runner: lease, run, make sure of the end, keep the account."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from math import inf
from typing import Any

import msgspec
from pydantic import SecretStr

from breeze.contracts.clock import Clock
from breeze.contracts.errors import Attempt as Failed
from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import Adjusted, Finish, Progress, Usage
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import AUTO, Request
from breeze.contracts.results import cut
from breeze.engine.admission import set_aside
from breeze.engine.entry import Entry
from breeze.engine.instances import Instance
from breeze.engine.ledger import Ledger, Row
from breeze.engine.plan import Policy
from breeze.engine.pool import Pool
from breeze.engine.route import Route
from breeze.engine.selection import Choice
from breeze.engine.watch import Watch

_NOTHING = Usage()
NO_OUTPUT = (Adjusted, Progress, Usage)
"""Events that do not prove the runner real. All but progress are held until output does."""


class Means:
    """What the tries of one engine work with. `instances` may change between requests."""

    def __init__(
        self, instances: Mapping[str, Instance], pool: Pool, clock: Clock, ledger: Ledger
    ) -> None:
        self.instances = instances
        self.pool = pool
        self.clock = clock
        self.ledger = ledger


class Attempt:
    """One try of `choice`, from the lease of its runner to the row in the ledger.

    Who reads the events keeps the account: `events` is how many there were, `first` the seconds
    until the first, `usage` what the runner said it used, `end` its last. `proven`: there was
    output.
    """

    # The defaults are the class's: a try that goes well changes few of them.
    proven = False
    events = 0
    first: float | None = None
    usage: Usage = _NOTHING
    end: Finish | None = None
    _status, _code = "cancelled", "E302"
    _parameters: Parameters | None = None
    _entry: Entry | None = None
    _stream: AsyncGenerator[Any] | None = None
    _held: Sequence[Any] = ()

    def __init__(
        self, means: Means, route: Route, choice: Choice, watch: Watch, policy: Policy
    ) -> None:
        self.choice = choice
        self.route = route
        self.watch = watch
        self._means = means
        self._policy = policy
        self._wall = time.time()
        self.begun = watch.since = means.clock.now()
        watch.limit, watch.proven = policy.first_event, False

    async def open(self) -> AsyncGenerator[Any]:
        """The events of a loaded runner, as it makes them. Raises what leasing and loading raise.

        While they are read, nothing is unloaded; the runner has the present parameters, and the
        request names the model that is meant.
        """
        choice, route, pool = self.choice, self.route, self._means.pool
        instance = self._means.instances[choice.name]
        parameters = self._parameters = instance.parameters
        key = instance.key(choice.model)
        entry = self._entry = pool.take(key) or await pool.admit(key, instance.make)
        runner, request = entry.runner, route.request
        runner.parameters = parameters
        route.runner, route.model, route.mock = choice.name, choice.model, instance.mock
        if request.model != choice.model:
            request = msgspec.structs.replace(request, model=choice.model)
        self._stream = events = runner.stream(request)
        return events

    def hold(self, events: Sequence[Any]) -> None:
        """What the caller is to get before the first output."""
        self._held = events

    def take(self, event: Any) -> Sequence[Any]:
        """What the caller gets because of `event`: nearly nothing, until there is output."""
        kind = type(event)
        if kind is Usage:
            self.usage = event
        elif kind is Finish:
            self.end = event
        if self.proven:
            return () if kind is Finish else (event,)
        if self.first is None:
            self.first = self._means.clock.now() - self.begun
        if kind is Progress:
            return (event,)
        if kind in NO_OUTPUT:
            self._held = (*self._held, event)
            return ()
        self.prove()
        return self._held if kind is Finish else (*self._held, event)

    def prove(self) -> None:
        """There is output. From now on a wait may last as long as between any two events."""
        self.proven = self.watch.proven = True
        self.watch.limit = self._policy.stall

    async def close(self, error: BaseException | None) -> BaseException | None:
        """Free what the try holds and keep its account. What it ended in, as an error of ours."""
        self.watch.limit = inf
        if error is None and self.end is None:
            error = cut(self.events)
        try:
            if self._stream is not None:
                await self._stream.aclose()
        except BaseException as worse:  # whatever a runner raises when it is told to stop
            # A stop stays a stop, though; only another one may take its place.
            if isinstance(error or worse, Exception) or not isinstance(worse, Exception):
                error = worse
        if self._entry is not None:
            self._means.pool.leave(self._entry)
        if error is None:
            self._status, self._code = "finished", ""
        else:
            error = self._told(error)
        self._means.ledger.add(self._row())
        return error

    def _told(self, error: BaseException) -> BaseException:
        choice = self.choice
        if isinstance(error, RunnerError):
            error.runner, error.model = error.runner or choice.name, error.model or choice.model
        elif isinstance(error, Exception):  # a runner may raise anything; callers get our tree
            error = _unexpected(self._parameters, choice, error)
        else:
            return error
        self._status, self._code = "error", error.code
        return error

    def _row(self) -> Row:
        request, choice, used = self.route.request, self.choice, self.usage
        decision = self.route.decision
        assert decision is not None  # it was made before any try
        return Row(
            request.id, request.session_id, decision.capability, choice.name, choice.model,
            self._wall, self._means.clock.now() - self.begun, self.first,
            self._status, self._code, self.events, used.prompt_tokens, used.completion_tokens,
            used.characters, used.audio_seconds, used.images, used.cost,
        )  # fmt: skip

    def failed(self, error: RunnerError) -> Failed:
        """The try for the record of those that did not answer."""
        seconds = self._means.clock.now() - self.begun
        return Failed(self.choice.name, self.choice.model, error.code, error.message, seconds)


def adjusted(
    request: Request[Any], choice: Choice, *, restarted: bool = False
) -> Sequence[Adjusted]:
    """What the caller asked for and does not get when `choice` answers.

    `restarted`: what depends on no choice was said before.
    """
    if choice.named and request.guardian is None:
        return ()
    adjusted = [] if restarted else set_aside(request)
    if not choice.named:
        why = "what was asked for could not answer"
        if request.runner:
            adjusted.append(Adjusted("runner", request.runner, choice.name, why))
        if request.model not in (AUTO, ""):
            adjusted.append(Adjusted("model", request.model, choice.model or choice.name, why))
    return adjusted


def _unexpected(parameters: Parameters | None, choice: Choice, error: Exception) -> ProcessingError:
    text = scrub(f"{type(error).__name__}: {error}", parameters)
    ours = ProcessingError(f"{choice.name} failed: {text}", runner=choice.name, model=choice.model)
    ours.__cause__ = error
    return ours


def scrub(text: str, parameters: Parameters | None) -> str:
    """`text` without the values of the secrets among `parameters`."""
    if parameters is not None:
        for name in parameters.facts:
            value = getattr(parameters, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                text = text.replace(value.get_secret_value(), "***")
    return text
