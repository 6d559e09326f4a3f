"""Which GGUF files the llama.cpp runner serves, and what each can do, from its header alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.gguf import read_header
from breeze.contracts.gguf_header import Header
from breeze.contracts.runner import ModelInfo
from breeze.runners._llamacpp_parameters import LlamaCppParameters

EMBEDDED = "breeze-tiny"
_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")
_NO_POOLING, _RANK = 0, 4


@dataclass(frozen=True)
class LlamaModel:
    """A sound GGUF file. `context` is what it was trained with; `dimensions` of its vectors;
    `token_bytes` the memory that a token of context takes, 0 when that cannot be told.
    """

    id: str
    path: Path
    size: int
    context: int
    dimensions: int
    vocabulary: int
    template: str
    embeds: bool
    token_bytes: int
    description: str
    licence: str

    @property
    def takes_tools(self) -> bool:
        """Its chat template uses them: in code, not in a comment or in plain text."""
        code = (piece.partition("}")[0] for piece in self.template.split("{")[1:])
        return any(re.search(r"\btools\b", c) for c in code if not c.startswith("#"))

    @property
    def info(self) -> ModelInfo:
        able = Capability.EMBEDDING if self.embeds else Capability.LLM
        return ModelInfo(
            self.id, (able,), self.description, self.context, self.size, licence=self.licence
        )


def served(parameters: LlamaCppParameters) -> dict[str, Path]:
    """Every model by its id. Ids come from the operator's files, never from a request."""
    found = {EMBEDDED: Path(str(files("breeze.models.embedded") / f"{EMBEDDED}-q8_0.gguf"))}
    if (folder := parameters.models_dir) is not None:
        root = folder.resolve()
        inside = (path for path in sorted(folder.glob("*.gguf")) if path.resolve().parent == root)
        found |= {_id(path): path for path in inside if _is_first(path)}
    if parameters.model_path is not None:
        found[_id(parameters.model_path)] = parameters.model_path
    return found


def default_id(parameters: LlamaCppParameters) -> str:
    """The model to serve when nobody names one."""
    return _id(parameters.model_path) if parameters.model_path is not None else EMBEDDED


def find(model: str, parameters: LlamaCppParameters) -> LlamaModel:
    """The model with this id (empty: the default). Raises NotFoundError, InputError, E502."""
    known = served(parameters)
    wanted = model or default_id(parameters)
    if wanted not in known:
        raise NotFoundError(
            f"llamacpp has no model {wanted!r}; it has {', '.join(sorted(known))}. "
            "Put its GGUF file into the folder that models_dir names.",
            field="model",
        )
    if wanted == EMBEDDED and not known[wanted].is_file():
        raise NotLoadedError(
            "The embedded model is missing: install breeze-engine again, or set model_path.",
            retryable=False,
        )
    return describe(wanted, known[wanted])


def listed(parameters: LlamaCppParameters) -> tuple[ModelInfo, ...]:
    """What can be served, the default first; a file that is not sound says so in its text."""
    first = default_id(parameters)
    found = sorted(served(parameters).items(), key=lambda item: (item[0] != first, item[0]))
    return tuple(_info(id, path) for id, path in found)


def _info(id: str, path: Path) -> ModelInfo:
    try:
        return describe(id, path).info
    except InputError as error:
        return ModelInfo(id, description=f"cannot be used: {error.message}")


def describe(id: str, path: Path) -> LlamaModel:
    """What the header of `path` (and of its further parts) says. Raises InputError."""
    header = read_header(path)
    kind = header.text("general.architecture")
    _check_numbers(header, kind, path)
    return LlamaModel(
        id=id,
        path=path,
        size=header.size + sum(read_header(part).size for part in _further(path, header)),
        context=header.number(f"{kind}.context_length"),
        dimensions=header.number(f"{kind}.embedding_length"),
        vocabulary=header.count("tokenizer.ggml.tokens"),
        template=header.text("tokenizer.chat_template"),
        embeds=header.number(f"{kind}.pooling_type") not in (_NO_POOLING, _RANK),
        token_bytes=_token_bytes(header, kind),
        description=header.text("general.description") or header.text("general.name"),
        licence=header.text("general.license"),
    )


def _check_numbers(header: Header, kind: str, path: Path) -> None:
    """Numbers on which llama.cpp would end the whole process instead of refusing the file."""
    for name, most in (
        ("context_length", 2**24),
        ("embedding_length", 2**24),
        ("block_count", 512),
    ):
        if not 1 <= header.number(f"{kind}.{name}") <= most:
            found = header.metadata.get(f"{kind}.{name}")
            raise InputError(f"{path.name}: {kind}.{name} is {found!r}.", field="model")
    for key, value in header.metadata.items():
        if key.endswith("epsilon") and not (isinstance(value, float) and 0 <= value < 1):
            raise InputError(f"{path.name}: {key} is {value!r}.", field="model")


def _token_bytes(header: Header, kind: str) -> int:
    """Keys and values of one token in all layers, in 16-bit numbers, for plain attention."""
    if any(key.startswith((f"{kind}.ssm", f"{kind}.attention.sliding", f"{kind}.attention.kv_lora"))
           for key in header.metadata):  # fmt: skip
        return 0
    heads = header.number(f"{kind}.attention.head_count")
    shared = header.number(f"{kind}.attention.head_count_kv", heads)
    width = header.number(f"{kind}.embedding_length") // max(1, heads)
    key = header.number(f"{kind}.attention.key_length", width)
    value = header.number(f"{kind}.attention.value_length", width)
    return header.number(f"{kind}.block_count") * shared * (key + value) * 2


def _further(path: Path, header: Header) -> list[Path]:
    """The other files of a model in parts, which llama.cpp opens by itself."""
    count = header.number("split.count")
    if count <= 1:
        return []
    parts = _PART.fullmatch(path.name)
    if parts is None or count > 999 or int(parts[3]) != count or int(parts[2]) != 1:
        raise InputError(
            f"{path.name} is part of a model in {count} files; name the first, "
            f"…-00001-of-{count:05}.gguf.",
            field="model",
        )
    return [path.with_name(f"{parts[1]}-{i:05}-of-{count:05}.gguf") for i in range(2, count + 1)]


def _id(path: Path) -> str:
    parts = _PART.fullmatch(path.name)
    return parts[1] if parts else path.stem


def _is_first(path: Path) -> bool:
    parts = _PART.fullmatch(path.name)
    return parts is None or int(parts[2]) == 1
