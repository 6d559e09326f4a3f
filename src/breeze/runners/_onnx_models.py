"""Which ONNX models the runner serves, and what each can do, from its folder's files alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.model_files import ModelDefinition, installed
from breeze.contracts.runner import ModelInfo
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._onnx_parameters import OnnxParameters
from breeze.runners._onnx_settings import check_settings

GENERATIVE = "genai_config.json"
"""The file that makes a folder a model that writes text; without it, it is one for vectors."""
REMEDY = (
    "set model_path to a folder with genai_config.json (it chats) or with model.onnx and "
    "tokenizer.json (it embeds), or run: breeze pull phi-3-mini-4k-instruct-onnx"
)
_GRAPHS = ("model.onnx", "onnx/model.onnx")
_MOST = 2**24
"""Tokens of context that any model may claim."""


@dataclass(frozen=True)
class OnnxModel:
    """A model's folder. `graph`: its ONNX file; `context` and `vocabulary` in tokens, 0 unknown."""

    id: str
    folder: Path
    capability: Capability
    graph: Path
    context: int
    vocabulary: int
    size: int
    definition: ModelDefinition

    @property
    def info(self) -> ModelInfo:
        about, licence = self.definition.description, self.definition.licence
        able = (self.capability,)
        return ModelInfo(self.id, able, about, self.context, self.size, licence=licence)


ModelFolder = tuple[Path, ModelDefinition]


def served(parameters: OnnxParameters, home: Path | None) -> dict[str, ModelFolder]:
    """Every model's folder by its id, the default first. No request names a folder."""
    found: dict[str, ModelFolder] = {}
    for id, folder, definition in _folders(parameters, home):
        found.setdefault(id, (folder, definition))
    return found


def _folders(
    parameters: OnnxParameters, home: Path | None
) -> Iterator[tuple[str, Path, ModelDefinition]]:
    if (path := parameters.model_path) is not None:
        yield path.resolve().name, path, ModelDefinition(path.name)
    if (root := parameters.models_dir) is not None:
        for folder in sorted(root.iterdir()):
            if folder.is_dir() and folder.resolve().parent == root.resolve() and _holds(folder):
                yield folder.name, folder, ModelDefinition(folder.name)
    for model in installed(home / "models", "onnx") if home is not None else ():
        entry = model.entry
        yield model.id, entry if entry.is_dir() else entry.parent, model.definition


def _holds(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (GENERATIVE, *_GRAPHS))


def find(model: str, parameters: OnnxParameters, home: Path | None) -> OnnxModel:
    """The model with this id (empty: the default). Raises NotFoundError and InputError."""
    known = served(parameters, home)
    wanted = model or next(iter(known), "")
    if wanted not in known:
        have = f"it has {', '.join(known)}" if known else "it has none"
        asked = f"no model {wanted!r}; {have}" if wanted else "no model"
        raise NotFoundError(f"onnx has {asked}: {REMEDY}.", field="model")
    return describe(wanted, *known[wanted])


def listed(parameters: OnnxParameters, home: Path | None) -> tuple[ModelInfo, ...]:
    """What can be served, the default first; a folder that is not sound says so in its text."""
    return tuple(_info(id, *found) for id, found in served(parameters, home).items())


def able(parameters: OnnxParameters, home: Path | None) -> tuple[tuple[str, Capability], ...]:
    """Each model's id and what it does, by the names of its files only."""
    return tuple(
        (id, Capability.LLM if (folder / GENERATIVE).is_file() else Capability.EMBEDDING)
        for id, (folder, _) in served(parameters, home).items()
    )


def _info(id: str, folder: Path, definition: ModelDefinition) -> ModelInfo:
    try:
        return describe(id, folder, definition).info
    except InputError as error:
        return ModelInfo(id, description=error.message)


def describe(id: str, folder: Path, definition: ModelDefinition) -> OnnxModel:
    """What the folder's files say. Raises InputError (field model) for what is unsound."""
    vocabulary: Any = 0
    if (folder / GENERATIVE).is_file():
        check_settings(folder / GENERATIVE)
        model = _section(folder, GENERATIVE, "model")
        name = _section(folder, GENERATIVE, "model", "decoder").get("filename", "model.onnx")
        context, vocabulary = model.get("context_length", 0), model.get("vocab_size", 0)
        graph, capability = _inside(folder, name), Capability.LLM
    else:
        graphs = (folder / name for name in _GRAPHS)
        graph = next((graph for graph in graphs if graph.is_file()), folder / _GRAPHS[0])
        context, capability = _window(folder), Capability.EMBEDDING
    for file in (graph, folder / "tokenizer.json"):
        if not file.is_file() or not file.stat().st_size:
            raise InputError(f"{folder.name} has no {file.name}: {REMEDY}.", field="model")
    for key, value in (("context_length", context), ("vocab_size", vocabulary)):
        if not isinstance(value, int) or not 0 <= value <= _MOST:
            raise InputError(f"{folder.name}: its {key} is {value!r}.", field="model")
    size = sum(file.stat().st_size for file in graph.parent.glob("*.onnx*"))
    return OnnxModel(id, folder, capability, graph, context, vocabulary, size, definition)


def _inside(folder: Path, name: object) -> Path:
    """The graph that the configuration names, which must lie within the folder."""
    path = folder / str(name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{folder.name}: {name!r} lies outside of it.", field="model")
    return path


def _window(folder: Path) -> Any:
    """Tokens that a model for vectors takes, as the first of its files says that says it."""
    for file, key in (
        ("sentence_bert_config.json", "max_seq_length"),
        ("config.json", "max_position_embeddings"),
    ):
        if value := _section(folder, file).get(key):
            return value
    return 0


def _section(folder: Path, file: str, *keys: str) -> dict[str, Any]:
    """A part of a JSON file, empty when it is not there. Raises InputError for what is no JSON."""
    path = folder / file
    try:
        found = msgspec.json.decode(path.read_bytes()) if path.is_file() else {}
    except (OSError, *UNREADABLE) as error:
        raise InputError(f"{folder.name}/{file} cannot be read: {error}.", field="model") from error
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def pooling(folder: Path) -> str:
    """How one vector is made of those of the tokens: `cls`, or `mean` where nothing else is said.

    Raises InputError for another way.
    """
    said = _section(folder, "1_Pooling/config.json")
    modes = [name.removeprefix("pooling_mode_") for name, on in said.items() if on is True]
    modes = [mode for mode in modes if mode in ("cls_token", "max_tokens", "mean_tokens")
             or mode.startswith(("mean_sqrt", "weighted", "last"))]  # fmt: skip
    if modes in ([], ["mean_tokens"]):
        return "mean"
    if modes == ["cls_token"]:
        return "cls"
    raise InputError(f"{folder.name}: pooling {', '.join(modes)} is not known here.", field="model")


def unloadable(id: str, error: Exception, package: str) -> NotLoadedError:
    """The error for what the runtime of `package` does not take, in its own words: those that
    follow the place in its source."""
    said = str(error).rpartition("[ONNXRuntimeError] : ")[2].strip(" .\n")
    return NotLoadedError(
        f"{id} could not be loaded: {said}. Its files may be damaged, or made for a newer "
        f"{package} (run: pip install -U {package}).",
        model=id,
        retryable=False,
    )
