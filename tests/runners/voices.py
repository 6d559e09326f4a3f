"""A voice that the tests make: real files for the real engine, in which each sound is a tone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RATE = 16_000
TONE = 960
"""Samples of one sound, 60 ms, at length 1."""


def tone_voice(folder: Path, name: str = "tone", **config: Any) -> Path:
    """A voice whose files obey speaker (pitch), noise scale (loudness) and length scale."""
    import onnx

    file = folder / f"{name}.onnx"
    onnx.save(_model(), str(file))
    (folder / f"{name}.onnx.json").write_text(json.dumps(_config() | config))
    return file


def _model() -> Any:
    """Gather a tone for each id; stretch it by the length scale; scale it by the noise scale."""
    import numpy as np
    from onnx import TensorProto as T
    from onnx import helper as h
    from onnx import numpy_helper as nh

    t = np.arange(TONE) / RATE
    table = np.stack(
        [np.hanning(TONE) * np.sin(2 * np.pi * (120 + 3.5 * i) * t) for i in range(256)]
    ).astype(np.float32)
    table[:3] = 0
    constants = {
        "table": table,
        "flat": np.array([1, 1, -1], np.int64),
        "step": np.array(40, np.int64),
        "last": np.array(255, np.int64),
        "ones": np.array([1, 1], np.float32),
        "zero": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "two": np.array([2], np.int64),
        "none": np.array([], np.float32),
    }
    nodes = [
        h.make_node("Mul", ["sid", "step"], ["up"]),
        h.make_node("Add", ["input", "up"], ["raised"]),
        h.make_node("Where", ["known", "raised", "input"], ["high"]),
        h.make_node("Greater", ["input", "zero2"], ["known"]),
        h.make_node("Min", ["high", "last"], ["ids"]),
        h.make_node("Gather", ["table", "ids"], ["tones"]),
        h.make_node("Reshape", ["tones", "flat"], ["sound"]),
        h.make_node("Slice", ["scales", "one", "two"], ["length"]),
        h.make_node("Concat", ["ones", "length"], ["sizes"], axis=0),
        h.make_node("Resize", ["sound", "none", "sizes"], ["long"], mode="nearest"),
        h.make_node("Slice", ["scales", "zero", "one"], ["loud"]),
        h.make_node("Mul", ["long", "loud"], ["output"]),
    ]
    nodes[2], nodes[3] = nodes[3], nodes[2]
    constants["zero2"] = np.array(2, np.int64)
    graph = h.make_graph(
        nodes,
        "tone",
        [
            h.make_tensor_value_info("input", T.INT64, [1, "n"]),
            h.make_tensor_value_info("input_lengths", T.INT64, [1]),
            h.make_tensor_value_info("scales", T.FLOAT, [3]),
            h.make_tensor_value_info("sid", T.INT64, [1]),
        ],
        [h.make_tensor_value_info("output", T.FLOAT, [1, 1, "m"])],
        [nh.from_array(value, name) for name, value in constants.items()],
    )
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 15)], ir_version=8)


def _config() -> dict[str, Any]:
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

    return {
        "audio": {"sample_rate": RATE},
        "espeak": {"voice": "en-us"},
        "language": {"code": "en_US"},
        "inference": {"noise_scale": 0.6, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": {sound: list(ids) for sound, ids in DEFAULT_PHONEME_ID_MAP.items()},
        "num_symbols": 256,
        "num_speakers": 2,
        "speaker_id_map": {"low": 0, "high": 1},
    }
