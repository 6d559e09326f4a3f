"""Named runners as configured: class, parameters, availability. The engine's list of who exists."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from breeze.config.model import EngineConfig, RunnerEntry
from breeze.config.resolve import Layers
from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.clock import Clock
from breeze.contracts.errors import InputError
from breeze.contracts.model_files import installed
from breeze.contracts.parameters import Parameters
from breeze.contracts.runner import ModelInfo, Runner
from breeze.engine.entry import Key
from breeze.engine.hardware import Hardware
from breeze.engine.registry import Registry
from breeze.engine.selection import Candidate
from breeze.engine.served import Served
from breeze.engine.workers import isolated

_FRESH = 5.0
"""Seconds for which an availability check is believed."""


class Instance:
    """One configured runner. `problem` says why it can never work as configured.

    `info`: its runner's, None where that cannot be imported. `automatic`: it may be chosen where
    the configuration lists nobody. `kind`, `priority`: as configured, else its runner's own.
    """

    def __init__(
        self,
        name: str,
        runner: str,
        entry: RunnerEntry,
        capabilities: tuple[Capability, ...],
        runner_type: type[Runner[Any]] | None = None,
        parameters: Parameters | None = None,
        problem: str | None = None,
        home: Path | None = None,
    ) -> None:
        self.name = name
        self.runner = runner
        self.entry = entry
        self._able = capabilities
        self.runner_type = runner_type
        self.parameters = parameters
        self.problem = problem
        self.home = home
        info = self.info = runner_type.info if runner_type is not None else None
        self.automatic = info is None or info.automatic
        self.kind = entry.type or (info.kind if info is not None else RunnerKind.LOCAL)
        own = info.priority if info is not None else 0
        self.priority = own if entry.priority is None else entry.priority
        self.mock = info is not None and info.mock
        self._one_model = info is not None and info.one_model
        self._key = Key(name, "")
        self._checked: tuple[float, str | None] = (float("-inf"), None)
        self._served = Served()

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """What it does: as configured, and whatever more the models do that lie here."""
        models = self.models if self._one_model else ()
        more = {does for model in models or () for does in model.capabilities}.difference(
            self._able
        )
        if not more or self.info is None:
            return self._able
        return tuple(c for c in self.info.capabilities if c in self._able or c in more)

    @property
    def models(self) -> tuple[ModelInfo, ...] | None:
        """What it serves, as last told; None until it told."""
        return self._served.known

    @property
    def isolation(self) -> str:
        """`process` where its runners have processes of their own, else `none`."""
        return self.entry.isolation or (self.info.isolation if self.info else "none")

    @property
    def model(self) -> str:
        """The model it serves when none is asked for: as configured, else the runner's own."""
        if self.entry.model_id or self.info is None:
            return self.entry.model_id or ""
        if self.info.one_model and self.models:
            return self.models[0].id
        return self.info.default_model

    def model_for(self, capability: Capability) -> str:
        """The model for this kind of work when none is asked for."""
        if self.runner_type is None or self.parameters is None:
            return self.model
        usual = self.runner_type.model_of(self.parameters, capability) or self.model
        fits = self.fits(usual)
        if self.entry.model_id or not (self._one_model and fits) or capability in fits:
            return usual
        able = (known.id for known in self.models or () if capability in known.capabilities)
        return next(able, usual)

    def fits(self, model: str) -> tuple[Capability, ...]:
        """What a model can do; nothing when the runner did not say."""
        return next((m.capabilities for m in self.models or () if m.id == model), ())

    async def list_models(self, clock: Clock, *, newest: bool = False) -> tuple[ModelInfo, ...]:
        """What it serves, nothing when it cannot tell; see `Served.ask`."""
        if self.runner_type is None or self.parameters is None:
            return ()
        kind, given, home = self.runner_type, self.parameters, self.home
        return await self._served.ask(kind, given, clock, home=home, newest=newest)

    async def window(self, model: str, clock: Clock) -> int:
        """Tokens that `model` (empty: its own) takes in, as it declares them; else 0."""
        models, wanted = await self.list_models(clock), model or self.model
        if not wanted and len(models) == 1:
            return models[0].context
        return next((known.context for known in models if known.id == wanted), 0)

    def key(self, model: str) -> Key:
        """What the pool keeps its runner for `model` under."""
        return Key(self.name, model) if self._one_model else self._key

    def make(self) -> Runner[Any]:
        """A runner with this instance's parameters, not loaded; isolated where that is wanted."""
        assert self.runner_type is not None, self.problem
        assert self.parameters is not None, self.problem
        made = self.runner_type(self.parameters)
        made.home = self.home
        return isolated(made) if self.isolation == "process" else made

    @property
    def requirements(self) -> tuple[str, ...]:
        """What the machine must have for it."""
        if self.entry.requirements is not None:
            return self.entry.requirements
        if self.runner_type is not None and self.parameters is not None:
            return self.runner_type.requirements_of(self.parameters)
        return self.info.requirements if self.info is not None else ()

    def check(self, clock: Clock, *, hardware: Hardware | None) -> str | None:
        """Why it cannot work here, or None; asked of the runner again after a few seconds.

        Without `hardware`, what it requires of the machine does not count.
        """
        if self.problem or self.entry.always_available:
            return self.problem
        when, answer = self._checked
        if clock.now() - when >= _FRESH:
            lacks = hardware.missing(self.requirements) if hardware is not None else None
            answer = lacks or self.make().check()
            self._checked = (clock.now(), answer)
        return answer


def candidate(
    instance: Instance, capability: Capability, config: EngineConfig, saved: str
) -> Candidate:
    """What selection must know of `instance` for `capability`, but for whether it can work here."""
    configured = config.capabilities.get(capability)
    listed = configured is not None and instance.name in configured.runners
    automatic = listed or (instance.automatic and not (configured and configured.runners))
    model = instance.model_for(capability)
    return Candidate(
        name=instance.name,
        runner=instance.runner,
        kind=instance.kind,
        priority=instance.priority,
        capabilities=instance.capabilities,
        enabled=instance.entry.enabled,
        automatic=automatic,
        models=tuple(model.id for model in instance.models or ()),
        model=model,
        fits=instance.fits(model),
        listed=listed,
        saved=saved == instance.name,
        default=bool(configured) and configured.default_runner == instance.name,  # type: ignore[union-attr]
    )


def build(config: EngineConfig, layers: Layers, registry: Registry) -> dict[str, Instance]:
    """Every instance by name: those configured, then one for each runner that needs no entry."""
    instances: dict[str, Instance] = {}
    for wanted in config.capabilities.values():
        for name, entry in wanted.runners.items():
            if name not in instances:
                runner = registry.resolve(entry.class_)
                instances[name] = _instance(name, runner or "", entry, layers, registry)
    for name in registry.names:
        if name not in instances:
            instances[name] = _instance(name, name, RunnerEntry(class_=name), layers, registry)
    return instances


def _instance(
    name: str, runner: str, entry: RunnerEntry, layers: Layers, registry: Registry
) -> Instance:
    configured = _configured_for(name, layers)
    if not runner:
        near = get_close_matches(entry.class_, registry.names, n=1)
        hint = f"did you mean {near[0]}?" if near else "run: breeze runners"
        text = f"no installed runner is called {entry.class_!r} ({hint})"
        return Instance(name, entry.class_, entry, configured, problem=text)
    try:
        runner_type = registry.load(runner)
    except Exception as error:  # one broken package must not take the others down
        text = f"cannot be imported: {type(error).__name__}: {error}"
        return Instance(name, runner, entry, configured, problem=text)
    able, ptype = runner_type.info.capabilities, runner_type.parameters_type
    try:
        parameters = layers.parameters(name, ptype, entry.parameters)
    except InputError as error:
        problem = error.message.removeprefix(f"{name}: ").removesuffix(".")
        return Instance(name, runner, entry, able, runner_type, problem=problem)
    home = layers.store.home.root
    pulled = (
        does for m in installed(home / "models", runner) for does in m.definition.capabilities
    )
    does = {*runner_type.capabilities_of(parameters), *configured, *pulled}
    able = tuple(capability for capability in able if capability in does)
    if entry.model_id and (wrong := runner_type.wrong_model(entry.model_id)):
        return Instance(name, runner, entry, able, runner_type, problem=f"modelId: {wrong}")
    return Instance(name, runner, entry, able, runner_type, parameters, home=home)


def _configured_for(name: str, layers: Layers) -> tuple[Capability, ...]:
    capabilities = layers.config.config.capabilities
    return tuple(c for c, entry in capabilities.items() if name in entry.runners)
