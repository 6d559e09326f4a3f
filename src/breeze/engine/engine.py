"""The engine: a request goes in, the events of whoever answers come out.

    async with Engine.open() as engine:
        answer = await engine.run(ChatRequest.of("Hello"))

Layers, outermost first: live requests and what their readers hold (EventStream), failover with
one Attempt at a time, the runner's own method. All have one shape. One Watchdog minds their limits.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
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
from breeze.engine.admission import admit, configured_deadline, deadline_of
from breeze.engine.attempts import Means
from breeze.engine.circuit import Circuits
from breeze.engine.failover import Failover, Policy
from breeze.engine.instances import Instance
from breeze.engine.ledger import Ledger
from breeze.engine.pool import Pool
from breeze.engine.registry import Registry
from breeze.engine.roster import Roster, RunnerStatus
from breeze.engine.selection import Decision
from breeze.engine.stream import EventStream, Route, Source
from breeze.engine.supply import Supplier, Supply
from breeze.engine.watch import Watch
from breeze.engine.watchdog import Watchdog

E = TypeVar("E")


class Engine:
    """Everything that is needed to answer requests in this process. Open it with `Engine.open`."""

    def __init__(
        self,
        layers: Layers,
        registry: Registry,
        clock: Clock,
        ledger: Ledger,
        record: Path | None = None,
        supplier: Supplier | None = None,
    ) -> None:
        self.layers = layers
        self.registry = registry
        self.ledger = ledger
        self.supplier = supplier
        self._clock = clock
        self._live: dict[str, EventStream[Any]] = {}
        self._roster = Roster(layers, registry, clock)
        self.hardware = self._roster.hardware
        settings = self.config.global_settings
        self._pool = Pool.configured(settings, clock, self._roster.pinned)
        policy = Policy.configured(settings.failover)
        circuit = settings.circuit
        self._circuits = Circuits(clock, circuit.failures, circuit.cooldown_ms / 1000)
        means = Means(self._roster.instances, self._pool, clock, ledger, self._circuits)
        self._source: Source = Failover(self._roster, means, policy)
        if supplier is not None:
            self._source = Supply(self._source, self._roster, supplier, clock)
        if record is not None:
            from breeze.engine.recorder import Recorder  # costs what most need not pay

            self._source = Recorder(self._source, record, clock, self._secrets)
        self._watchdog = Watchdog(clock, self._live, min(policy.first_event, policy.stall))
        self._deadline = configured_deadline(settings)
        self._loop = asyncio.get_running_loop()

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
        record: Path | str | None = None,
        supplier: Callable[[Layers], Supplier] | None = None,
    ) -> AsyncIterator[Self]:
        """An engine for the time of the block; leaving it stops every request and unloads.

        `home`: folder of the state (default: BREEZE_HOME or the user's data folder). `config`: a
        file or a whole configuration (default: config.json there). `environ`: default os.environ.
        `overrides`: instance to parameter values, as from a command line. `runners`: classes to
        know beside those found. `record`: a folder in which each request is recorded with its
        events, to be replayed. `supplier`: whoever knows how to get models that nobody here has.
        Raises InputError that names file, line and field.
        """
        variables = os.environ if environ is None else environ
        place = Home(Path(home)) if home is not None else Home.find(variables)
        if isinstance(config, EngineConfig):
            file = ConfigFile(config)
        else:
            file = read_config(Path(config) if config is not None else place.config)
        layers = Layers(file, SettingsStore(place), variables, overrides or {})
        tapes = _folder(record) if record is not None else None
        account = Ledger(place.database if ledger else None)
        more = supplier(layers) if supplier is not None else None
        engine = cls(layers, Registry(runners), clock or SystemClock(), account, tapes, more)
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
        watch = Watch()
        watch.loop = self._loop
        stream: EventStream[E] = EventStream(Route(request), watch, self._source, self._live)
        self._live[request.id] = stream
        now = self._clock.now()
        stream.allowed = allowed = deadline_of(request, self._deadline)
        watch.deadline = now + allowed
        self._watchdog.mind(now + allowed, now)
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
        decision = await self._roster.consider(request)
        return self._circuits.explained(decision) if self._circuits.known else decision

    def _secrets(self) -> set[str]:
        """What a recording must not hold."""
        from breeze.engine.recorder import secrets_of

        keys = self.config.global_settings.server.api_keys
        return secrets_of(self.instances.values(), (key.key for key in keys))

    # who is there -------------------------------------------------------------------------

    @property
    def instances(self) -> Mapping[str, Instance]:
        """Every named runner, configured or not."""
        return self._roster.instances

    def runners(self) -> list[RunnerStatus]:
        """Every instance with its state, or the reason why it cannot work here."""
        budget = self._pool.room.limit
        statuses = [self._roster.status(i, self._pool, budget) for i in self.instances.values()]
        return [self._circuits.shown(status) for status in statuses]

    async def models(self) -> dict[str, tuple[ModelInfo, ...]]:
        """What each available instance serves, as it said within the last minute."""
        return await self._roster.models()

    async def refresh(self) -> None:
        """Take up changed settings: affected runners reload after their present streams."""
        before = dict(self.instances)
        self._roster.refresh()
        for name, old in before.items():
            wanted = self._roster.reload_key(name, old)
            if name not in self.instances or self.instances[name].parameters != old.parameters:
                self._circuits.forget(name)
            self._pool.retire(name, keep=lambda entry, key=wanted: entry.reload_key == key)  # type: ignore[misc]
        await self._pool.settle()

    async def close(self) -> None:
        """Stop every request, unload every runner, write the account."""
        async with AsyncExitStack() as rest:  # all of it, even if who waits for it is cancelled
            rest.push_async_callback(asyncio.to_thread, self.ledger.close)
            if self.supplier is not None:
                rest.push_async_callback(self.supplier.close)
            rest.push_async_callback(self._pool.close)
            rest.callback(self._watchdog.stop)
            live = tuple(self._live.values())
            for stream in live:
                stream.cancel()
            for stream in live:
                await stream.closed()


def _folder(record: Path | str) -> Path:
    from breeze.engine.recorder import folder_for

    return folder_for(record)
