"""A tiny voice that the tests make for sherpa-onnx: each letter of its words is a tone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

RATE = 16_000
TONE = 960
"""Samples of one sound, 60 ms, at speed 1."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ("hello", "there", "my", "friend", "how", "are", "you", "today")


def tiny_mouth(folder: Path, *, speakers: int = 2) -> Path:
    """A VITS with a lexicon. The speaker raises the tones, the length scale stretches them."""
    import onnx

    folder.mkdir(parents=True, exist_ok=True)
    model = _model()
    meta = {
        "sample_rate": RATE, "n_speakers": speakers, "add_blank": 0, "language": "English",
        "comment": "tones", "punctuation": ", . ! ?", "model_type": "vits",
    }  # fmt: skip
    onnx.helper.set_model_props(model, {key: str(value) for key, value in meta.items()})
    onnx.save(model, str(folder / "model.onnx"))
    tokens = [" ", *LETTERS, ",", ".", "!", "?", "#"]
    (folder / "tokens.txt").write_text("".join(f"{t} {i}\n" for i, t in enumerate(tokens)))
    (folder / "lexicon.txt").write_text("".join(f"{w} {' '.join(w)}\n" for w in WORDS))
    return folder


def _model() -> Any:
    import numpy as np
    from onnx import TensorProto as T
    from onnx import helper as h
    from onnx import numpy_helper as nh

    t = np.arange(TONE) / RATE
    tones = [np.hanning(TONE) * np.sin(2 * np.pi * (200 + 20 * i) * t) for i in range(64)]
    table = np.stack(tones).astype(np.float32)
    constants = {
        "table": table,
        "flat": np.array([1, 1, -1], np.int64),
        "step": np.array(20, np.int64),
        "last": np.array(63, np.int64),
        "ones": np.array([1, 1], np.float32),
        "none": np.array([], np.float32),
    }
    nodes = [
        h.make_node("Mul", ["sid", "step"], ["up"]),
        h.make_node("Add", ["x", "up"], ["raised"]),
        h.make_node("Min", ["raised", "last"], ["ids"]),
        h.make_node("Gather", ["table", "ids"], ["tones"]),
        h.make_node("Reshape", ["tones", "flat"], ["sound"]),
        h.make_node("Concat", ["ones", "length_scale"], ["sizes"], axis=0),
        h.make_node("Resize", ["sound", "none", "sizes"], ["long"], mode="nearest"),
        h.make_node("Mul", ["long", "noise_scale"], ["y"]),
    ]
    graph = h.make_graph(
        nodes,
        "tones",
        [
            h.make_tensor_value_info("x", T.INT64, [1, "n"]),
            h.make_tensor_value_info("x_length", T.INT64, [1]),
            h.make_tensor_value_info("noise_scale", T.FLOAT, [1]),
            h.make_tensor_value_info("length_scale", T.FLOAT, [1]),
            h.make_tensor_value_info("noise_scale_w", T.FLOAT, [1]),
            h.make_tensor_value_info("sid", T.INT64, [1]),
        ],
        [h.make_tensor_value_info("y", T.FLOAT, [1, 1, "m"])],
        [nh.from_array(value, name) for name, value in constants.items()],
    )
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 15)], ir_version=8)


def phoneme_mouth(folder: Path) -> Path:
    """A voice that reads phonemes, as those made for Piper do, each a tone."""
    import onnx
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

    from tests.runners.voices import tone_voice

    (folder / "espeak-ng-data").mkdir(parents=True)
    file = tone_voice(folder)
    model = onnx.load(str(file))
    meta = {
        "sample_rate": RATE, "n_speakers": 2, "language": "English", "voice": "en-us",
        "comment": "piper", "has_espeak": 1, "add_blank": 1,
    }  # fmt: skip
    onnx.helper.set_model_props(model, {key: str(value) for key, value in meta.items()})
    onnx.save(model, str(file))
    ids = {sound: numbers[0] for sound, numbers in DEFAULT_PHONEME_ID_MAP.items()}
    lines = [f"{sound} {number}\n" for sound, number in ids.items() if len(sound) == 1]
    (folder / "tokens.txt").write_text("".join(lines))
    return folder
