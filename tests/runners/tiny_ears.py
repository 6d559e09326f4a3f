"""Tiny recognisers that the tests make for sherpa-onnx: each tone is a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = ("hello", "there", "my", "friend")
TONES = (1_000.0, 1_700.0, 2_600.0, 4_000.0)
"""Hz of each word; silence is none."""
_CACHES = ("cache_last_channel", "cache_last_time")


def tiny_ears(folder: Path, *, streaming: bool) -> Path:
    """A CTC model whose name tells what it is. Its loudest band of frequencies is the word."""
    import numpy as np
    import onnx
    from onnx import numpy_helper as nh

    folder.mkdir(parents=True, exist_ok=True)
    constants = {
        "weights": _weights(),
        "floor": np.array([-9.0], np.float32),
        "silence": np.array([0, 0, 0, 0, 5], np.float32),
        "zero": np.array([0], np.int64),
        "all": np.array([2**31], np.int64),
        "time": np.array([1], np.int64),
        "four": np.array([4], np.int64),
    }
    graph = _graph([nh.from_array(value, name) for name, value in constants.items()], streaming)
    meta = {
        "vocab_size": str(len(WORDS)), "subsampling_factor": "4", "normalize_type": "",
        "model_type": "EncDecCTCModelBPE", "window_size": "40", "chunk_shift": "40",
    }  # fmt: skip
    meta |= {f"{name}_dim{i}": "1" for name in _CACHES for i in (1, 2, 3)}
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 15)], ir_version=8
    )
    onnx.helper.set_model_props(model, meta)
    onnx.save(model, str(folder / "model.onnx"))
    tokens = [*(f"\u2581{word}" for word in WORDS), "<blk>"]
    (folder / "tokens.txt").write_text("".join(f"{t} {i}\n" for i, t in enumerate(tokens)))
    return folder


def _weights() -> Any:
    """Bands of the spectrum (80 mel bands) to words."""
    import numpy as np

    weights = np.zeros((80, len(WORDS) + 1), np.float32)
    for word, hertz in enumerate(TONES):
        mel = 1127 * np.log(1 + hertz / 700)
        low, high = (1127 * np.log(1 + f / 700) for f in (20, 8_000))
        band = round((mel - low) / (high - low) * 81)
        weights[band - 2 : band + 2, word] = 1
    weights[:, -1] = 0.02
    return weights


def _graph(constants: list[Any], streaming: bool) -> Any:
    from onnx import TensorProto as T
    from onnx import helper as h

    def floats(name: str, *shape: Any) -> Any:
        return h.make_tensor_value_info(name, T.FLOAT, ["N", *shape])

    def count(name: str) -> Any:
        return h.make_tensor_value_info(name, T.INT64, ["N"])

    inputs = [floats("audio_signal", 80, "T"), count("length")]
    outputs = [floats("logprobs", "T", len(WORDS) + 1), count("encoded_lengths")]
    nodes = [
        h.make_node("Transpose", ["audio_signal"], ["frames"], perm=[0, 2, 1]),
        h.make_node("Slice", ["frames", "zero", "all", "time", "four"], ["some"]),
        h.make_node("Max", ["some", "floor"], ["loud"]),
        h.make_node("Sub", ["loud", "floor"], ["above"]),
        h.make_node("MatMul", ["above", "weights"], ["words"]),
        h.make_node("Add", ["words", "silence"], ["scores"]),
        h.make_node("LogSoftmax", ["scores"], ["logprobs"], axis=-1),
        h.make_node("Div", ["length", "four"], ["encoded_lengths"]),
    ]
    if streaming:
        for name in _CACHES:
            inputs.append(floats(name, 1, 1, 1))
            outputs.append(floats(f"{name}_next", 1, 1, 1))
            nodes.append(h.make_node("Identity", [name], [f"{name}_next"]))
        inputs.append(count("cache_last_channel_len"))
        outputs.append(count("cache_last_channel_len_next"))
        nodes.append(h.make_node("Identity", [inputs[-1].name], [outputs[-1].name]))
    return h.make_graph(nodes, "tones", inputs, outputs, constants)


def tiny_activity(file: Path) -> Path:
    """A voice activity model in the form of Silero's: loud is speech."""
    import numpy as np
    import onnx
    from onnx import TensorProto as T
    from onnx import helper as h
    from onnx import numpy_helper as nh

    nodes = [
        h.make_node("Abs", ["input"], ["size"]),
        h.make_node("ReduceMean", ["size"], ["mean"], axes=[1], keepdims=1),
        h.make_node("Sub", ["mean", "quiet"], ["over"]),
        h.make_node("Mul", ["over", "steep"], ["sure"]),
        h.make_node("Sigmoid", ["sure"], ["output"]),
        h.make_node("Identity", ["state"], ["stateN"]),
    ]
    state = [2, "N", 128]
    constants = {"quiet": np.float32(0.02), "steep": np.float32(1_000)}
    graph = h.make_graph(
        nodes,
        "loud",
        [
            h.make_tensor_value_info("input", T.FLOAT, ["N", "T"]),
            h.make_tensor_value_info("state", T.FLOAT, state),
            h.make_tensor_value_info("sr", T.INT64, []),
        ],
        [
            h.make_tensor_value_info("output", T.FLOAT, ["N", 1]),
            h.make_tensor_value_info("stateN", T.FLOAT, state),
        ],
        [nh.from_array(np.array(value), name) for name, value in constants.items()],
    )
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 15)], ir_version=8), str(file))
    return file
