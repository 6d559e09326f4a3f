"""Which ExecuTorch programs a runner serves, by the files in its folders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.model_files import installed
from breeze.contracts.runner import ModelInfo
from breeze.runners._executorch_parameters import ProgramParameters
from breeze.runners._executorch_program import Program, inspect

REMEDY = "set model_path to a .pte file with tokenizer.json or tokenizer.model beside it"
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tokenizer.bin")


@dataclass(frozen=True)
class ProgramModel:
    """A program and its tokenizer."""

    id: str
    program: Program
    tokenizer: Path
    description: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Found:
    """Where a model lies; whether it is sound is not yet known."""

    id: str
    program: Path
    tokenizer: Path | None = None
    description: str = ""
    licence: str = ""


def served(parameters: ProgramParameters, home: Path | None, runner: str) -> dict[str, Found]:
    """Every model by its id, the default first. No request names a file."""
    found: dict[str, Found] = {}
    for model in _all(parameters, home, runner):
        found.setdefault(model.id, model)
    return found


def _all(parameters: ProgramParameters, home: Path | None, runner: str) -> Iterator[Found]:
    if (path := parameters.model_path) is not None:
        yield Found(path.resolve().parent.name, path, parameters.tokenizer_path)
    if (root := parameters.models_dir) is not None:
        for folder in sorted(root.iterdir()):
            programs = sorted(folder.glob("*.pte")) if folder.is_dir() else []
            if programs and folder.resolve().parent == root.resolve():
                yield Found(folder.name, programs[0])
    for model in installed(home / "models", runner) if home is not None else ():
        entry, about = model.entry, model.definition
        program = next(iter(sorted(entry.glob("*.pte"))), entry) if entry.is_dir() else entry
        yield Found(model.id, program, None, about.description, about.licence)


def find(model: str, known: dict[str, Found], runner: str) -> ProgramModel:
    """The model with this id (empty: the default). Raises NotFoundError and InputError."""
    wanted = model or next(iter(known), "")
    if wanted not in known:
        have = f"it has {', '.join(known)}" if known else "it has none"
        asked = f"no model {wanted!r}; {have}" if wanted else "no model"
        remedy = f"{REMEDY}, or get one by breeze pull MODEL"
        raise NotFoundError(f"{runner} has {asked}: {remedy}.", field="model")
    found = known[wanted]
    beside = (found.program.parent / name for name in _TOKENIZERS)
    tokenizer = found.tokenizer or next((file for file in beside if file.is_file()), None)
    if tokenizer is None:
        raise InputError(f"{wanted} has no tokenizer: {REMEDY}.", field="model")
    program = inspect(found.program)
    return ProgramModel(wanted, program, tokenizer, found.description, found.licence)


def listed(known: dict[str, Found], runner: str) -> tuple[ModelInfo, ...]:
    """What can be served, the default first; a file that is not sound says so in its text."""
    return tuple(_info(id, known, runner) for id in known)


def _info(id: str, known: dict[str, Found], runner: str) -> ModelInfo:
    try:
        model = find(id, known, runner)
    except InputError as error:
        return ModelInfo(id, description=error.message)
    size, licence = model.program.size, model.licence
    return ModelInfo(id, (Capability.LLM,), model.description, size=size, licence=licence)
