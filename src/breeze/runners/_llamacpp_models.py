"""What a GGUF model can do, from its header alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError
from breeze.contracts.gguf import read_header
from breeze.contracts.gguf_header import Header
from breeze.contracts.runner import ModelInfo
from breeze.runners._llamacpp_checks import check_numbers
from breeze.runners._llamacpp_projector import check_projector

PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")
"""The name of a file of a model in parts."""
_NO_POOLING, _RANK = 0, 4
_QUANTISATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip
"""By `general.file_type`."""


@dataclass(frozen=True)
class LlamaModel:
    """A sound GGUF file. `context` is what it was trained with; `dimensions` of its vectors;
    `token_bytes` the memory that a token of context takes, 0 when that cannot be told. `files`
    are all that is read to load it, `size` their bytes. `ranks`: its vectors are one number, how
    well a text answers a query.
    """

    id: str
    path: Path
    projector: Path | None
    files: tuple[Path, ...]
    size: int
    architecture: str
    context: int
    dimensions: int
    vocabulary: int
    template: str
    embeds: bool
    ranks: bool
    token_bytes: int
    description: str
    licence: str
    facts: dict[str, Any]

    @property
    def takes_tools(self) -> bool:
        """Its chat template uses them: in code, not in a comment or in plain text."""
        code = (piece.partition("}")[0] for piece in self.template.split("{")[1:])
        return any(re.search(r"\btools\b", c) for c in code if not c.startswith("#"))

    @property
    def able(self) -> tuple[Capability, ...]:
        """What it does."""
        if self.embeds:
            return (Capability.EMBEDDING,)
        return (Capability.LLM, Capability.VLM) if self.projector else (Capability.LLM,)

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(
            self.id,
            self.able,
            self.description,
            self.context,
            self.size,
            licence=self.licence,
            metadata={**self.facts, "tools": self.takes_tools, "ranks": self.ranks},
        )


def describe(id: str, path: Path, projector: Path | None = None, template: str = "") -> LlamaModel:
    """What the header of `path` (and of its further parts) says. Raises InputError.

    `template` takes the place of the model's own.
    """
    header = read_header(path)
    kind = header.text("general.architecture")
    check_numbers(header, kind, path)
    further = _further(path, header)
    headers = (header, *map(read_header, further))
    eyes = check_projector(projector).size if projector is not None else 0
    pooling = header.number(f"{kind}.pooling_type")
    return LlamaModel(
        id=id,
        path=path,
        projector=projector,
        files=(path, *further, *([projector] if projector else ())),
        size=sum(part.size for part in headers) + eyes,
        architecture=kind,
        context=header.number(f"{kind}.context_length"),
        dimensions=1 if pooling == _RANK else header.number(f"{kind}.embedding_length"),
        vocabulary=header.count("tokenizer.ggml.tokens"),
        template=template or header.text("tokenizer.chat_template"),
        embeds=pooling != _NO_POOLING,
        ranks=pooling == _RANK,
        token_bytes=_token_bytes(header, kind),
        description=header.text("general.description") or header.text("general.name"),
        licence=header.text("general.license"),
        facts=_facts(headers, kind),
    )


def _facts(headers: tuple[Header, ...], kind: str) -> dict[str, Any]:
    """What the files say of the weights in them."""
    first = headers[0]
    count = sum(prod(tensor.dims) for header in headers for tensor in header.tensors)
    facts: dict[str, Any] = {"architecture": kind, "parameters": count}
    if (type_ := _QUANTISATIONS.get(first.number("general.file_type", -1))) is not None:
        facts["quantisation"] = type_
    facts["layers"] = first.number(f"{kind}.block_count")
    facts["template"] = bool(first.text("tokenizer.chat_template"))
    return facts


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
    parts = PART.fullmatch(path.name)
    if parts is None or count > 999 or int(parts[3]) != count or int(parts[2]) != 1:
        raise InputError(
            f"{path.name} is part of a model in {count} files; name the first, "
            f"…-00001-of-{count:05}.gguf.",
            field="model",
        )
    return [path.with_name(f"{parts[1]}-{i:05}-of-{count:05}.gguf") for i in range(2, count + 1)]
