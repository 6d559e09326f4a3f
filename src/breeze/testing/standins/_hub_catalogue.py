"""What the hub has of the catalogue's models: files of the right names and forms, all small.

A GGUF file is the embedded model, so that it works; the others are sound by their headers only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files

import msgspec

from breeze.contracts.model_files import ModelDefinition

_MODELS = files("breeze.models")
_INSIDE = ("genai_config.json", "model.onnx", "tokenizer.json")
"""What stands for the files that a pattern means."""
_HEAD = b'{"w":{"dtype":"U8","shape":[2000],"data_offsets":[0,2000]}}'
_FORMS = {
    ".safetensors": len(_HEAD).to_bytes(8, "little") + _HEAD + bytes(2000),
    ".onnx": b"\x08\x0a\x3a\x00",  # a version and an empty graph
    ".json": b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}\n',
}


def catalogued(repository: str) -> Mapping[str, bytes]:
    """The files of a repository that models of the catalogue come from; of any other none."""
    data = (_MODELS / "catalogue.json").read_bytes()
    known = msgspec.json.decode(data, type=dict[str, list[ModelDefinition]])["models"]
    models = [model for model in known if model.source == f"hf:{repository}"]
    return {path: _like(path) for model in models for path in _paths(model)}


def _paths(model: ModelDefinition) -> Iterator[str]:
    for file in model.files:
        if file.file_name:
            yield file.file_name
        else:
            yield from (f"{model.entry_point.value}/{name}" for name in _INSIDE)


def _like(path: str) -> bytes:
    if path.endswith(".gguf"):
        return (_MODELS / "embedded" / "breeze-tiny-q8_0.gguf").read_bytes()
    return next((data for end, data in _FORMS.items() if path.endswith(end)), bytes(2000))
