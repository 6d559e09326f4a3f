"""Which GGUF files the llama.cpp runner serves, each with the projector that gives it eyes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.model_files import installed
from breeze.contracts.runner import ModelInfo
from breeze.runners._llamacpp_models import PART, LlamaModel, describe
from breeze.runners._llamacpp_parameters import LlamaCppParameters

EMBEDDED = "breeze-tiny"
PROJECTOR = "mmproj"
"""Part of the name of every file that is a projector and no model."""
_PRECISION = re.compile(r"[-_.](i?q\d\w*|b?f16|fp16|f32|mxfp4\w*)$", re.IGNORECASE)


class Files(NamedTuple):
    """Where a model lies."""

    path: Path
    projector: Path | None = None


def served(parameters: LlamaCppParameters, home: Path | None = None) -> dict[str, Files]:
    """Every model by its id. Ids come from the operator's files, never from a request.

    Those that were pulled into `home`, then those of models_dir, then that of model_path: a later
    one takes the place of an earlier one of the same name.
    """
    found = {EMBEDDED: Files(Path(str(files("breeze.models.embedded") / f"{EMBEDDED}-q8_0.gguf")))}
    if home is not None:
        found |= _pulled(home / "models")
    if parameters.models_dir is not None:
        found |= _in_folder(parameters.models_dir)
    path, eyes = parameters.model_path, parameters.projector_path
    if path is not None:
        found[_id(path)] = Files(path, eyes or _beside(path, path.parent.glob("*.gguf")))
    return found


def default_id(parameters: LlamaCppParameters) -> str:
    """The model to serve when nobody names one."""
    return _id(parameters.model_path) if parameters.model_path is not None else EMBEDDED


def sees(parameters: LlamaCppParameters) -> bool:
    """Whether a projector is among the files that the parameters name."""
    if parameters.model_path is None and parameters.models_dir is None:
        return False
    return any(found.projector is not None for found in served(parameters).values())


def find(model: str, parameters: LlamaCppParameters, home: Path | None = None) -> LlamaModel:
    """The model with this id (empty: the default). Raises NotFoundError, InputError, E502."""
    known = served(parameters, home)
    wanted = model or default_id(parameters)
    if wanted not in known:
        raise NotFoundError(
            f"llamacpp has no model {wanted!r}; it has {', '.join(sorted(known))}. "
            "Put its GGUF file into the folder that models_dir names, or pull it.",
            field="model",
        )
    if wanted == EMBEDDED and not known[wanted].path.is_file():
        raise NotLoadedError(
            "The embedded model is missing: install breeze-engine again, or set model_path.",
            retryable=False,
        )
    return describe(wanted, *known[wanted], template(parameters))


def listed(parameters: LlamaCppParameters, home: Path | None = None) -> tuple[ModelInfo, ...]:
    """What can be served, the default first; a file that is not sound says so in its text."""
    first = default_id(parameters)
    found = sorted(served(parameters, home).items(), key=lambda item: (item[0] != first, item[0]))
    return tuple(_info(id, where, parameters) for id, where in found)


def template(parameters: LlamaCppParameters) -> str:
    """The chat template that the operator set, "" for the model's own. Raises InputError."""
    if (path := parameters.chat_template_path) is None:
        return parameters.chat_template
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.", field="chat_template_path") from error


def _info(id: str, where: Files, parameters: LlamaCppParameters) -> ModelInfo:
    try:
        return describe(id, *where, template(parameters)).info
    except InputError as error:
        return ModelInfo(id, description=f"cannot be used: {error.message}")


def _pulled(root: Path) -> dict[str, Files]:
    """The models of this runner in the store, by their catalogue's ids."""
    found = {}
    for model in installed(root, "llamacpp"):
        names = [f.file_name for f in model.definition.files if f.type == "projector"]
        projector = model.folder / names[0] if names else None
        found[model.id] = Files(model.entry, projector)
    return found


def _in_folder(folder: Path) -> dict[str, Files]:
    root = folder.resolve()
    inside = [path for path in sorted(folder.glob("*.gguf")) if path.resolve().parent == root]
    models = (path for path in inside if _is_first(path) and PROJECTOR not in path.name)
    return {_id(path): Files(path, _beside(path, inside)) for path in models}


def _beside(path: Path, others: Iterator[Path] | list[Path]) -> Path | None:
    """The projector that has the model's name, whatever the precision of either."""
    wanted = _bare(_id(path))
    return next((p for p in others if PROJECTOR in p.name and _bare(p.stem) == wanted), None)


def _bare(name: str) -> str:
    """The name without what tells a projector and a precision apart, in one spelling."""
    words = re.split(r"[-_.]", _PRECISION.sub("", name).lower())
    return "-".join(word for word in words if word != PROJECTOR)


def _id(path: Path) -> str:
    parts = PART.fullmatch(path.name)
    return parts[1] if parts else path.stem


def _is_first(path: Path) -> bool:
    parts = PART.fullmatch(path.name)
    return parts is None or int(parts[2]) == 1
