"""From the seed's runner types and names to the instances of this engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.router import AITaskType, RunnerType, RuntimeBackend
from breeze.engine.engine import Engine
from breeze.engine.instances import Instance
from breeze.engine.runner_types import likeness

TASKS: Mapping[Capability, AITaskType] = {
    Capability.LLM: AITaskType.TEXT_GENERATION,
    Capability.VLM: AITaskType.IMAGE_ANALYSIS,
    Capability.ASR: AITaskType.SPEECH_RECOGNITION,
    Capability.TTS: AITaskType.SPEECH_SYNTHESIS,
    Capability.GUARDIAN: AITaskType.CONTENT_MODERATION,
}
CAPABILITIES: Mapping[AITaskType, Capability] = {task: can for can, task in TASKS.items()}

_USUAL: Mapping[RunnerKind, RuntimeBackend] = {
    RunnerKind.MOCK: RuntimeBackend.CPU,
    RunnerKind.LOCAL: RuntimeBackend.CPU,
}


def backends_of(instance: Instance, engine: Engine) -> tuple[RuntimeBackend, ...]:
    """Where its work can run on this machine, the usual place first; empty for one elsewhere.

    Of a runner that does not tell, its kind and what it requires tell it. Of several places those
    count that the machine has.
    """
    runner, parameters = instance.runner_type, instance.parameters
    if runner is not None and parameters is not None:
        told = runner.backends_of(parameters, instance.home)
        if told:
            there = [backend for backend in told if has(engine, RuntimeBackend(backend.value))]
            return tuple(RuntimeBackend(backend.value) for backend in there or told)
    if instance.kind is RunnerKind.HARDWARE:
        npu = any(name == "NPU" or name.endswith("_NPU") for name in instance.requirements)
        return (RuntimeBackend.NPU if npu else RuntimeBackend.GPU,)
    usual = _USUAL.get(instance.kind)
    return (usual,) if usual is not None else ()


def backend_of(instance: Instance, engine: Engine) -> RuntimeBackend | None:
    """Where its work usually runs; None for a service somewhere else."""
    return next(iter(backends_of(instance, engine)), None)


def has(engine: Engine, backend: RuntimeBackend) -> bool:
    """Whether this machine has such a part, or nobody is to look."""
    if backend is RuntimeBackend.CPU or not engine.config.global_settings.enable_hardware_detection:
        return True
    return engine.hardware.look(backend).present


def able(engine: Engine, capability: Capability | None = None) -> Iterator[Instance]:
    """The instances that can work here now, for `capability` if one is given; best rank first."""
    ready = {s.name for s in engine.runners() if s.state != "disabled" and not s.reason}
    return (i for i in _ranked(engine, capability) if i.name in ready)


def of_type(
    engine: Engine, kind: RunnerType, capability: Capability | None = None
) -> Instance | None:
    """The best instance of a runner type that can work here now."""
    if kind is RunnerType.DEFAULT:
        return None
    alike = [i for i in able(engine, capability) if _likeness(i, kind, engine)]
    return max(alike, key=lambda i: _likeness(i, kind, engine), default=None)


def why_not(engine: Engine, kind: RunnerType, capability: Capability) -> str:
    """Why no instance of a runner type can do it here now, with the remedy where there is one."""
    reasons = {status.name: status.reason for status in engine.runners()}
    alike = [
        i
        for i in _ranked(engine)
        if _likeness(i, kind, engine) > 1 and (capability in i.capabilities or i.problem)
    ]
    alike.sort(key=lambda i: (not i.entry.enabled, -_likeness(i, kind, engine)))
    told = [f"{i.name}: {reasons[i.name]}" for i in alike if reasons.get(i.name)]
    why = f"no {kind} runner can do {capability} here: another one answers"
    return f"{why} ({told[0]})" if told else why


def _ranked(engine: Engine, capability: Capability | None = None) -> list[Instance]:
    found = sorted(engine.instances.values(), key=lambda i: (i.priority, i.name))
    return [i for i in found if capability is None or capability in i.capabilities]


def _likeness(instance: Instance, kind: RunnerType, engine: Engine) -> int:
    """Nobody is of a type who works only where somebody set it up, and nobody has."""
    if instance.automatic or instance.name in engine.config.instances:
        return likeness(instance, kind)
    return 0


def by_name(engine: Engine, name: str) -> Instance | None:
    """An instance by its own name or its runner's."""
    if name in engine.instances:
        return engine.instances[name]
    return next((i for i in engine.instances.values() if i.runner == name), None)
