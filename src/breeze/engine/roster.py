"""Who exists, who can work here, and who is chosen."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace

from breeze.config.resolve import Layers
from breeze.contracts.capability import Capability
from breeze.contracts.clock import Clock
from breeze.contracts.request import AUTO, Request
from breeze.contracts.router import RunnerType
from breeze.contracts.runner import ModelInfo
from breeze.contracts.service import RunnerStatus as RunnerStatus
from breeze.engine.hardware import Hardware
from breeze.engine.instances import Instance, build, candidate
from breeze.engine.nobody import nobody
from breeze.engine.pool import Pool
from breeze.engine.registry import Registry
from breeze.engine.runner_types import likeness, type_of
from breeze.engine.selection import Candidate, Decision, Wish, decide

_FRESH = 1.0
"""Seconds for which a decision is taken again without being made again."""

_Asked = tuple[Capability, str, str, bool]


class Roster:
    """The instances of one engine, and the choice among them."""

    def __init__(self, layers: Layers, registry: Registry, clock: Clock) -> None:
        self._layers = layers
        self._registry = registry
        self._clock = clock
        self._decisions: dict[_Asked, tuple[float, Decision]] = {}
        self._config = layers.config.config
        said = self._config.global_settings.hardware
        self.hardware = Hardware(said=said, environ=layers.environ, clock=clock)
        self._saved = layers.store.load()
        self.instances: dict[str, Instance] = build(self._config, layers, registry)

    def refresh(self) -> None:
        """Read the saved settings again, and look at the machine again."""
        self.hardware.refresh()
        self._decisions.clear()
        self._saved = self._layers.store.load()
        fresh = build(self._config, self._layers, self._registry)
        self.instances.clear()
        self.instances.update(fresh)

    def reload_key(self, name: str, old: Instance) -> tuple[Any, ...] | None:
        """What a loaded runner of `old` must match to be kept; None when none may be."""
        new = self.instances.get(name)
        if new is None or new.parameters is None or new.runner_type is not old.runner_type:
            return None
        if new.isolation != old.isolation:
            return None
        return new.parameters.reload_key()

    def recall(self, request: Request[Any]) -> Decision | None:
        """The decision for such a request, if somebody could be tried a moment ago."""
        known = self._decisions.get(_asked(request))
        if known is None or self._clock.now() - known[0] >= _FRESH or not known[1].order:
            return None
        return known[1]

    async def decide(self, request: Request[Any]) -> Decision:
        """Who is tried for `request`, in order. Raises E404, E405, E501 when nobody can be."""
        decision = await self.consider(request)
        if not decision.order:
            raise nobody(decision)
        return decision

    async def consider(self, request: Request[Any]) -> Decision:
        """Who would be tried, perhaps nobody. Raises E404 and E405 for those it names."""
        if (known := self.recall(request)) is not None:
            return known
        wish = self._wish(request)
        await self._learn_models(wish.capability)
        if request.model != AUTO and request.model.partition("/")[0] not in self.instances:
            await self._look_for(request.model)
        decision = self._choose(wish)
        if len(self._decisions) >= 1024:
            self._decisions.clear()
        self._decisions[_asked(request)] = (self._clock.now(), decision)
        return decision

    def _wish(self, request: Request[Any]) -> Wish:
        """A type of runners counts as one where nobody is called so."""
        wish = Wish(*_asked(request))
        kind = type_of(wish.runner)
        if kind is None or any(wish.runner in (i.name, i.runner) for i in self.instances.values()):
            return wish
        return replace(wish, runner="", type=kind.value)

    async def _learn_models(self, capability: Capability) -> None:
        """Ask those that load one model at a time whether theirs can do the work at all."""
        for instance in self.instances.values():
            info = instance.info
            if info is None or not info.one_model or capability not in info.capabilities:
                continue
            able = (capability in model.capabilities for model in instance.models or ())
            if not any(able) and self._unavailable(instance) is None:
                await instance.list_models(self._clock)

    async def _look_for(self, model: str) -> None:
        """Learn who serves `model`; one that nobody knew may be new."""
        served = {info.id for infos in (await self.models()).values() for info in infos}
        if model not in served.union(instance.model for instance in self.instances.values()):
            await self.models(newest=True)

    def _choose(self, wish: Wish) -> Decision:
        saved = self._saved.selected_runners.get(wish.capability, "")
        candidates = [
            self._candidate(instance, wish, saved) for instance in self.instances.values()
        ]
        return decide(
            wish,
            candidates,
            self._config.default_strategy,
            fallback_to_mock=self._config.global_settings.fallback_to_mock,
        )

    def _candidate(self, instance: Instance, wish: Wish, saved: str) -> Candidate:
        """What selection must know of it; who cannot be chosen anyway is not checked."""
        found = candidate(instance, wish.capability, self._config, saved)
        if wish.type and (found.automatic or found.name in self._config.instances):
            found = replace(found, likeness=likeness(instance, RunnerType(wish.type)))
        chosen = found.automatic or found.saved or found.default or found.models or found.likeness
        names = (wish.runner, wish.model, wish.model.partition("/")[0])
        if not (chosen or found.name in names or found.runner in names):
            return found
        return replace(found, unavailable=self._unavailable(instance))

    def _unavailable(self, instance: Instance) -> str | None:
        detects = self._config.global_settings.enable_hardware_detection
        return instance.check(self._clock, hardware=self.hardware if detects else None)

    async def models(self, *, newest: bool = False) -> dict[str, tuple[ModelInfo, ...]]:
        """What each available instance serves. A minute old at most; with `newest`, 5 seconds."""
        named = self._config.instances
        able = [
            instance
            for name, instance in self.instances.items()
            if (instance.automatic or name in named) and self._unavailable(instance) is None
        ]
        found = await asyncio.gather(*(i.list_models(self._clock, newest=newest) for i in able))
        return {instance.name: models for instance, models in zip(able, found, strict=True)}

    def _offered(self, instance: Instance, reason: str | None) -> bool:
        """True for a row that nobody configured, saved settings for, nor gave a key."""
        name = instance.name
        if name not in self._registry.rows or name in self._config.instances:
            return False
        if name in self._saved.runner_parameters:
            return False
        return reason is not None or not instance.automatic

    def status(self, instance: Instance, pool: Pool, budget: int) -> RunnerStatus:
        """Its state in the pool, or why it cannot work. `budget`: bytes for all of them."""
        loaded = pool.shown(instance.name)
        reason = self._unavailable(instance)
        state = loaded[0].state if loaded else ("unavailable" if reason else "absent")
        if not instance.entry.enabled:
            state, reason = "disabled", "disabled in the configuration"
        return RunnerStatus(
            name=instance.name,
            runner=instance.runner,
            kind=instance.kind,
            capabilities=instance.capabilities,
            priority=instance.priority,
            state=state,
            reason=reason or "",
            model=instance.model,
            loaded=tuple(one.model for one in loaded),
            leases=sum(one.leases for one in loaded),
            waiting=sum(one.waiting for one in loaded),
            models=loaded,
            size=sum(one.size for one in loaded),
            measured=all(one.measured for one in loaded if one.size),
            budget=budget,
            pinned=instance.entry.pinned,
            mock=bool(instance.info and instance.info.mock),
            offered=self._offered(instance, reason),
        )

    def pinned(self, name: str) -> bool:
        """Whether the models of an instance stay loaded."""
        instance = self.instances.get(name)
        return instance is not None and instance.entry.pinned


def _asked(request: Request[Any]) -> _Asked:
    """All of a request that counts in the choice."""
    return request.needs, request.runner, request.model, request.strict
