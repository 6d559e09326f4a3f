"""From the seed's runner types and names to the instances of this engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from breeze.contracts.capability import Capability, Requirement, RunnerKind
from breeze.contracts.router import AITaskType, RunnerType, RuntimeBackend
from breeze.engine.engine import Engine
from breeze.engine.instances import Instance


class Sign(NamedTuple):
    """By what a runner of a type is known: words in its names, its kind, what it requires."""

    words: tuple[str, ...] = ()
    kinds: tuple[RunnerKind, ...] = ()
    requires: tuple[Requirement, ...] = ()


def _named(kind: RunnerType, *more: str) -> tuple[str, ...]:
    return (plain(kind), *more)


def plain(name: str) -> str:
    """A name without case and signs, so that `LLAMA_CPP` and `llama.cpp` are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


SIGNS: Mapping[RunnerType, Sign] = {
    RunnerType.MOCK: Sign(kinds=(RunnerKind.MOCK,)),
    RunnerType.EXECUTORCH: Sign(_named(RunnerType.EXECUTORCH)),
    RunnerType.ONNX: Sign(_named(RunnerType.ONNX)),
    RunnerType.MTK_APU: Sign(
        _named(RunnerType.MTK_APU, "mediatek"), requires=(Requirement.MTK_NPU,)
    ),
    RunnerType.LLAMA_CPP: Sign(_named(RunnerType.LLAMA_CPP)),
    RunnerType.SYSTEM: Sign(_named(RunnerType.SYSTEM), kinds=(RunnerKind.LOCAL,)),
}
"""DEFAULT has no sign: it counts as not said. SYSTEM is what this machine has without a network."""

TASKS: Mapping[Capability, AITaskType] = {
    Capability.LLM: AITaskType.TEXT_GENERATION,
    Capability.VLM: AITaskType.IMAGE_ANALYSIS,
    Capability.ASR: AITaskType.SPEECH_RECOGNITION,
    Capability.TTS: AITaskType.SPEECH_SYNTHESIS,
    Capability.GUARDIAN: AITaskType.CONTENT_MODERATION,
}
CAPABILITIES: Mapping[AITaskType, Capability] = {task: can for can, task in TASKS.items()}

BACKENDS: Mapping[RunnerKind, RuntimeBackend] = {
    RunnerKind.MOCK: RuntimeBackend.CPU,
    RunnerKind.LOCAL: RuntimeBackend.CPU,
}


def backend_of(instance: Instance) -> RuntimeBackend | None:
    """Where its work runs; None for a service somewhere else."""
    if instance.kind is RunnerKind.HARDWARE:
        needs = instance.info.requirements if instance.info else ()
        return RuntimeBackend.NPU if Requirement.MTK_NPU in needs else RuntimeBackend.GPU
    return BACKENDS.get(instance.kind)


def able(engine: Engine, capability: Capability | None = None) -> Iterator[Instance]:
    """The instances that can work here now, for `capability` if one is given; best rank first."""
    ready = {s.name for s in engine.runners() if s.state != "disabled" and not s.reason}
    for instance in sorted(engine.instances.values(), key=lambda i: (i.priority, i.name)):
        if instance.name in ready and (capability is None or capability in instance.capabilities):
            yield instance


def of_type(
    engine: Engine, kind: RunnerType, capability: Capability | None = None
) -> Instance | None:
    """The best instance of a runner type that can work here now."""
    sign = SIGNS.get(kind)
    if sign is None:
        return None
    found = [(rank, i) for i in able(engine, capability) if (rank := _likeness(i, sign))]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _likeness(instance: Instance, sign: Sign) -> int:
    """2 by name or requirement, 1 by kind only, 0 not at all."""
    info = instance.info
    names = [instance.name, instance.runner]
    if info is not None:
        names += [info.vendor, *info.needs]
        if set(sign.requires) & set(info.requirements):
            return 2
    if any(word in plain(name) for word in sign.words for name in names):
        return 2
    return int(instance.kind in sign.kinds)


def on_backend(engine: Engine, backend: RuntimeBackend, capability: Capability) -> Instance | None:
    """The best instance whose work runs there."""
    return next((i for i in able(engine, capability) if backend_of(i) is backend), None)


def by_name(engine: Engine, name: str) -> Instance | None:
    """An instance by its own name or its runner's."""
    if name in engine.instances:
        return engine.instances[name]
    return next((i for i in engine.instances.values() if i.runner == name), None)
