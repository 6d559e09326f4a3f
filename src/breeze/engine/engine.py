"""The engine: a request goes in, the events of whoever answers come out.

    async with Engine.open() as engine:
        answer = await engine.run(ChatRequest.of("Hello"))

Layers, outermost first: live requests, deadline and the fold that completes the end
(EventStream), failover, the lease of a loaded runner, the runner's own method. All have one shape.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeVar, overload

import msgspec

from breeze.config.home import Home
from breeze.config.model import EngineConfig
from breeze.config.reader import ConfigFile, read_config
from breeze.config.resolve import Layers
from breeze.config.settings import SettingsStore
from breeze.contracts.answers import (
    ChatAnswer,
    Embeddings,
    Moderation,
    Pictures,
    Result,
    Speech,
    Transcription,
)
from breeze.contracts.clock import Clock, SystemClock
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import Finish
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.contracts.runner import ModelInfo, Runner
from breeze.engine.admission import admit, deadline_of, set_aside, too_late
from breeze.engine.attempts import Attempts
from breeze.engine.failover import Policy, failover, whole
from breeze.engine.instances import Instance
from breeze.engine.ledger import Ledger
from breeze.engine.pool import Pool
from breeze.engine.registry import Registry
from breeze.engine.roster import Roster, RunnerStatus
from breeze.engine.selection import Decision
from breeze.engine.stream import EventStream, Route

E = TypeVar("E")
_A_DAY = 86_400.0


class Engine:
    """Everything that is needed to answer requests in this process. Open it with `Engine.open`."""

    def __init__(self, layers: Layers, registry: Registry, clock: Clock, ledger: Ledger) -> None:
        self.layers = layers
        self.registry = registry
        self.ledger = ledger
        self._clock = clock
        self._live: dict[str, EventStream[Any]] = {}
        self._roster = Roster(layers, registry, clock)
        settings = self.config.global_settings
        self._pool = Pool(
            clock, retries=settings.max_init_retries, keep_alive=settings.keep_alive_s
        )
        self._policy = Policy(
            attempts=settings.failover.attempts,
            first_event=settings.failover.first_event_ms / 1000,
            stall=settings.failover.stall_ms / 1000,
            after_output=settings.failover.after_output,
        )
        # Who wants only the whole answer may have to wait for all of it: the deadline counts.
        self._whole_policy = msgspec.structs.replace(self._policy, first_event=_A_DAY)
        self._attempts = Attempts(self._roster.instances, self._pool, clock, ledger)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        home: Path | str | None = None,
        config: Path | str | EngineConfig | None = None,
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        runners: Iterable[type[Runner[Any]]] = (),
        clock: Clock | None = None,
        ledger: bool = True,
    ) -> AsyncIterator[Self]:
        """An engine for the time of the block; leaving it stops every request and unloads.

        `home`: folder of the state (default: BREEZE_HOME or the user's data folder). `config`: a
        file or a whole configuration (default: config.json there). `environ`: default os.environ.
        `overrides`: instance to parameter values, as from a command line. `runners`: classes to
        know beside those found. Raises InputError that names file, line and field.
        """
        variables = os.environ if environ is None else environ
        place = Home(Path(home)) if home is not None else Home.find(variables)
        if isinstance(config, EngineConfig):
            file = ConfigFile(config)
        else:
            file = read_config(Path(config) if config is not None else place.config)
        layers = Layers(file, SettingsStore(place), variables, overrides or {})
        account = Ledger(place.database if ledger else None)
        engine = cls(layers, Registry(runners), clock or SystemClock(), account)
        try:
            yield engine
        finally:
            await engine.close()

    @property
    def config(self) -> EngineConfig:
        return self.layers.config.config

    # requests -----------------------------------------------------------------------------

    def stream(self, request: Request[E]) -> EventStream[E]:
        """The events of `request`. Raises InputError at once when the request is wrong."""
        admit(request, self._live)
        route = Route(request)
        stream: EventStream[E] = EventStream(route, self._begin, self._whole, self._forget)
        self._live[request.id] = stream
        deadline = deadline_of(request, self.config.global_settings)
        if deadline:
            stream.timer = self._clock.call_later(deadline, partial(too_late, stream, deadline))
        return stream

    @overload
    async def run(self, request: ChatRequest) -> ChatAnswer: ...
    @overload
    async def run(self, request: TranscribeRequest) -> Transcription: ...
    @overload
    async def run(self, request: SpeakRequest) -> Speech: ...
    @overload
    async def run(self, request: ModerateRequest) -> Moderation: ...
    @overload
    async def run(self, request: DrawRequest) -> Pictures: ...
    @overload
    async def run(self, request: EmbedRequest) -> Embeddings: ...
    async def run(self, request: Any) -> Result:
        """The whole answer: the fold over `stream`."""
        request = msgspec.structs.replace(request, whole=True)
        async with self.stream(request) as events:
            return await events.result()

    def cancel(self, request_id: str, reason: RunnerError | None = None) -> bool:
        """Stop a request; its reader gets `reason`. True only if something was stopped."""
        stream = self._live.get(request_id)
        return stream is not None and stream.cancel(reason)

    @property
    def live(self) -> tuple[str, ...]:
        """The ids of the requests that are running."""
        return tuple(self._live)

    @property
    def streams(self) -> Mapping[str, EventStream[Any]]:
        """The requests that are running, by id."""
        return MappingProxyType(self._live)

    async def explain(self, request: Request[Any]) -> Decision:
        """Who would answer `request`, who would not, and why; the order may be empty.

        Raises E404 and E405 when the request names a runner that is unknown or unable.
        """
        return await self._roster.consider(request)

    # who is there -------------------------------------------------------------------------

    @property
    def instances(self) -> Mapping[str, Instance]:
        """Every named runner, configured or not."""
        return self._roster.instances

    def runners(self) -> list[RunnerStatus]:
        """Every instance with its state, or the reason why it cannot work here."""
        return [self._roster.status(i, self._pool) for i in self.instances.values()]

    async def models(self) -> dict[str, tuple[ModelInfo, ...]]:
        """What each available instance serves, as it said within the last minute."""
        return await self._roster.models()

    async def refresh(self) -> None:
        """Take up changed settings: affected runners reload after their present streams."""
        before = dict(self.instances)
        self._roster.refresh()
        for name, old in before.items():
            wanted = self._roster.reload_key(name, old)
            self._pool.retire(name, keep=lambda entry, key=wanted: entry.reload_key == key)  # type: ignore[misc]
        await self._pool.settle()

    async def close(self) -> None:
        """Stop every request, unload every runner, write the account."""
        for stream in tuple(self._live.values()):
            stream.cancel()
            await stream.closed()
        await self._pool.close()
        await asyncio.to_thread(self.ledger.close)

    # inside -------------------------------------------------------------------------------

    async def _begin(self, route: Route) -> AsyncGenerator[Any]:
        """Decide who is asked, and ask."""
        request = route.request
        route.started = time.perf_counter()
        route.decision = await self._roster.decide(request)
        return failover(
            route.decision.order,
            partial(self._attempts.run, request, route=route),
            self._whole_policy if request.whole else self._policy,
            self._clock,
            route.watch,
            route.failed,
            set_aside(request),
        )

    async def _whole(self, route: Route) -> Finish:
        """Decide who is asked, and wait for the end of the answer."""
        request = route.request
        route.started = time.perf_counter()
        route.decision = await self._roster.decide(request)
        route.early = set_aside(request)
        return await whole(
            route.decision.order,
            partial(self._attempts.whole, request, route=route),
            self._whole_policy,
            self._clock,
            route.watch,
            route.failed,
        )

    def _forget(self, stream: EventStream[Any]) -> None:
        self._live.pop(stream.request_id, None)
