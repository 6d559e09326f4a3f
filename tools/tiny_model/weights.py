"""The embedded GGUF file back as a Hugging Face folder, which other converters read.

usage: python -m tiny_model.weights IN.gguf HF_FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_model import vocabulary
from tiny_model.export import TENSORS, TOP
from tiny_model.shape import Shape

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_LAYER = {short: long for long, short in TENSORS.items()}
_TOP = {short: long for long, short in TOP.items()}


def restore(source: Path, out: Path) -> None:
    """Writes `source` as float32 weights, config and tokenizer into the folder `out`."""
    import gguf
    from safetensors.numpy import save_file

    reader = gguf.GGUFReader(source)
    shape = _shape(reader)
    vocabulary.save(_tokenizer(reader), out)
    weights = {hf_name(tensor.name): _values(tensor, shape) for tensor in reader.tensors}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(shape.config(), indent=1))


def hf_name(name: str) -> str:
    """The Hugging Face name of a GGUF tensor."""
    stem = name.removesuffix(".weight")
    if stem in _TOP:
        return f"{_TOP[stem]}.weight"
    _, layer, short = stem.split(".")
    return f"model.layers.{layer}.{_LAYER[short]}.weight"


def half_split(rows: Any, heads: int) -> Any:
    """Rows of a query or key matrix from llama.cpp's interleaved rotary order to half-split."""
    count, width = rows.shape
    return rows.reshape(heads, count // heads // 2, 2, width).swapaxes(1, 2).reshape(count, width)


def _values(tensor: Any, shape: Shape) -> Any:
    import gguf
    import numpy as np

    values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
    if "attn_q." in tensor.name:
        return np.ascontiguousarray(half_split(values, shape.heads))
    if "attn_k." in tensor.name:
        return np.ascontiguousarray(half_split(values, shape.kv_heads))
    return values


def _shape(reader: Any) -> Shape:
    def number(name: str) -> Any:
        return reader.fields[f"llama.{name}"].contents()

    return Shape(
        vocab=number("vocab_size"),
        width=number("embedding_length"),
        layers=number("block_count"),
        heads=number("attention.head_count"),
        kv_heads=number("attention.head_count_kv"),
        hidden=number("feed_forward_length"),
        context=number("context_length"),
        rope_base=number("rope.freq_base"),
        epsilon=number("attention.layer_norm_rms_epsilon"),
    )


def _tokenizer(reader: Any) -> Tokenizer:
    """The vocabulary of the file, cut into words as `vocabulary.learn` does."""
    from tokenizers import AddedToken, Tokenizer, models

    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = reader.fields["tokenizer.ggml.merges"].contents()
    pairs = [tuple(merge.split(" ")) for merge in merges]
    made = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, pairs))
    vocabulary.cut(made)
    made.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in vocabulary.SPECIAL]
    )
    return made


if __name__ == "__main__":
    restore(Path(sys.argv[1]), Path(sys.argv[2]))
