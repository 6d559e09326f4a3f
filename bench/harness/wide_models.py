"""The embedded model made larger: it says what it said, and takes the memory of a real one.

Its feed-forward layers get more columns that end in zeros. All of them are read for each token, so
they must be in memory, and what they add to the answer is nothing.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

_BLOCK = 32
_BLOCK_BYTES = 34
"""Of 32 weights in Q8_0: a scale and a byte for each."""


def wide_gguf(source: Path, out: Path, times: int) -> Path:
    """`source` (Q8_0) with feed-forward layers of `times` their width."""
    import gguf

    old = gguf.GGUFReader(source)
    length = "llama.feed_forward_length"
    writer = gguf.GGUFWriter(out, "llama")
    for name, field in old.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        value = field.contents() * times if name == length else field.contents()
        inner = field.types[-1] if len(field.types) > 1 else None
        writer.add_key_value(name, value, field.types[0], inner)
    for tensor in old.tensors:
        writer.add_tensor(tensor.name, _wide(tensor, times), raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def _wide(tensor: Any, times: int) -> Any:
    import numpy as np

    if "ffn_gate" in tensor.name or "ffn_up" in tensor.name:
        return np.tile(tensor.data, (times, 1))
    if "ffn_down" in tensor.name:
        rows, width = tensor.data.shape
        wide = np.zeros((rows, width * times), tensor.data.dtype)
        wide[:, :width] = tensor.data
        return wide
    return tensor.data


def wide_onnx(source: Path, out: Path, times: int) -> Path:
    """The folder `source` of onnxruntime-genai with feed-forward layers of `times` their width."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    shutil.copytree(source, out, ignore=shutil.ignore_patterns("*.onnx*"))
    model = onnx.load(str(source / "model.onnx"))
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if ".gate_proj." in tensor.name or ".up_proj." in tensor.name:
            weights = np.tile(weights, (1, times))
        elif ".down_proj." in tensor.name:
            weights = np.pad(weights, ((0, weights.shape[0] * (times - 1)), (0, 0)))
        tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    del model.graph.value_info[:]  # which has the old widths
    file, data = str(out / "model.onnx"), "model.onnx.data"
    onnx.save(model, file, save_as_external_data=True, location=data, size_threshold=0)
    return out
