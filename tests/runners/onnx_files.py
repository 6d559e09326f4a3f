"""Tiny ONNX models for tests: one that makes vectors, of words whose meaning is their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

WORDS = ("[UNK]", "cat", "kitten", "dog", "car", "the", "a")
VECTORS = (
    (0.1, 0.1, 0.1, 0.1), (4, 1, 0, 0), (4, 0.5, 0, 0), (1, 4, 0, 0), (0, 0, 4, 0),
    (0, 0, 0, 0.1), (0, 0, 0, 0.1),
)  # fmt: skip


@pytest.fixture(scope="session")
def onnx_embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model for vectors that takes eight tokens."""
    return write_embedder(tmp_path_factory.mktemp("onnx") / "embedder")


def write_embedder(folder: Path, *, takes: int = 8, pooling: Sequence[str] = ()) -> Path:
    """A model that looks each word up and gives a vector for each."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder.mkdir(parents=True)
    table = numpy_helper.from_array(np.array(VECTORS, dtype=np.float32), "table")
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "words"])
    width = len(VECTORS[0])
    out = helper.make_tensor_value_info(
        "last_hidden_state", TensorProto.FLOAT, ["batch", "words", width]
    )
    look_up = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])
    graph = helper.make_graph([look_up], "embedder", [ids], [out], [table])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": takes}))
    if pooling:
        (folder / "1_Pooling").mkdir()
        said = {f"pooling_mode_{name}": True for name in pooling}
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(said))
    return folder
