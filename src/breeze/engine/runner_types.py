"""The seeds' types of runners (`Configuration.runnerConfigurations`): which instance is of which.

A type is known by the name of a runner, so a new runner needs no entry here.
"""

from __future__ import annotations

from breeze.contracts.capability import Requirement, RunnerKind
from breeze.contracts.router import RunnerType
from breeze.engine.instances import Instance

_KINDS = {RunnerType.MOCK: RunnerKind.MOCK, RunnerType.SYSTEM: RunnerKind.LOCAL}
"""SYSTEM is what this machine has without a network, where nobody is called so."""
_REQUIRES = {RunnerType.MTK_APU: Requirement.MTK_NPU}


def type_of(name: str) -> RunnerType | None:
    """The type that a name says; None for DEFAULT, which counts as not said, and for all else."""
    found = RunnerType.__members__.get(name)
    return None if found is RunnerType.DEFAULT else found


def likeness(instance: Instance, kind: RunnerType) -> int:
    """How well an instance is of a type: 4 by its runner's name, 3 by what it requires of the
    machine, 2 by a part of a name or by what it imports, 1 by kind only, 0 not at all."""
    word, info = plain(kind), instance.info
    if plain(instance.runner) == word:
        return 4
    if _REQUIRES.get(kind) in instance.requirements:
        return 3
    names = [instance.name, instance.runner]
    names += [info.vendor, *info.needs] if info is not None else []
    if kind is not RunnerType.MOCK and any(word in plain(name) for name in names):
        return 2
    return int(instance.kind is _KINDS.get(kind))


def plain(name: str) -> str:
    """A name without case and signs, so that `LLAMA_CPP` and `llama.cpp` are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
