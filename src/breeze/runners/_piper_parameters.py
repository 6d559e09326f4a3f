"""What the runner `piper` can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from breeze.contracts.fields import integer, number, path, switch, text
from breeze.contracts.parameters import Parameters
from breeze.runners._local_fields import thread_count
from breeze.runners._voice_fields import bit_rate, chunk_length


def _said(low: float, high: float, description: str, **facts: Any) -> Any:
    """A number that a caller may override; left out, the voice's own recommendation counts."""
    return number(
        None, description, low=low, high=high, step=0.05, precision=2, category="Voice",
        per_request=True, **facts,
    )  # fmt: skip


class PiperParameters(Parameters):
    """Which voices are served, and how they sound."""

    model_path: Path | None = path(
        None,
        "A voice: an .onnx file with its .onnx.json beside it; it becomes the default",
        title="Voice file",
        category="Model",
        extensions=(".onnx",),
        requires_reload=True,
    )
    models_dir: Path | None = path(
        None,
        "Folder of voices, each under its file name without .onnx",
        title="Voices folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )
    threads: int = thread_count()
    speaker: str = text(
        "",
        "Speaker of a voice with several, by name or number, when the request names none",
        max_length=200,
        category="Voice",
        per_request=True,
    )
    length_scale: float | None = _said(0.1, 10, "Length of the sounds at speed 1; more is slower")
    noise_scale: float | None = _said(0, 2, "Liveliness of the sound")
    noise_w_scale: float | None = _said(
        0, 2, "Unevenness of the lengths of sounds", title="Rhythm noise"
    )
    volume: float = number(
        1.0, "Loudness", low=0, high=2, step=0.05, precision=2, category="Sound", per_request=True
    )
    normalize: bool = switch(
        True, "Bring every sentence to the same loudness", category="Sound", per_request=True
    )
    sentence_silence_ms: int = integer(
        200,
        "Silence between sentences",
        low=0,
        high=5000,
        step=50,
        unit="ms",
        title="Sentence silence",
        category="Sound",
        per_request=True,
    )
    chunk_ms: int = chunk_length()
    bitrate: int = bit_rate()
