"""The plot of the spoken answer: its waveform with a mark where each word begins."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence

from breeze.contracts.values import Word

_BINS = 1200
"""Columns of the waveform: about one a pixel."""
_TITLE = 120
"""Characters that fit above it."""


def plot_speech(sound: bytes, words: Sequence[Word], title: str) -> bytes:
    """A PNG of the WAV `sound` (16 bits), with `words` at their times in seconds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    times, low, high = envelope(sound)
    figure = Figure(figsize=(12, 3.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.fill_between(times, low, high, color="#2b6cb0", linewidth=0.4)
    for word in words:
        axes.axvline(word.start, color="#c05621", linewidth=0.8, alpha=0.6)
        axes.text(word.start, 1.04, f" {word.text}", rotation=55, fontsize=8, parse_math=False)
    axes.set(xlim=(0, times[-1] if times else 1), ylim=(-1, 1), xlabel="seconds", yticks=[])
    pad = 48 if words else 6
    axes.set_title(_short(title), loc="left", fontsize=10, pad=pad, parse_math=False)
    encoded = io.BytesIO()
    figure.savefig(encoded, format="png")
    return encoded.getvalue()


def _short(title: str) -> str:
    return title if len(title) <= _TITLE else f"{title[:_TITLE]}…"


def envelope(sound: bytes) -> tuple[list[float], list[float], list[float]]:
    """Times in seconds, and the lowest and highest sample there, from -1 to 1."""
    import numpy as np

    with wave.open(io.BytesIO(sound)) as file:
        channels, rate = file.getnchannels(), file.getframerate()
        frames = file.readframes(file.getnframes())
    samples = np.frombuffer(frames, "<i2").reshape(-1, channels)[:, 0] / 32768
    parts = [part for part in np.array_split(samples, _BINS) if part.size]
    times = np.linspace(0, samples.size / rate, len(parts))
    return times.tolist(), [float(p.min()) for p in parts], [float(p.max()) for p in parts]
