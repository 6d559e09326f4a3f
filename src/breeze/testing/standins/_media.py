"""Sounds and pictures that follow from a text. WAV, PCM, MP3 and PNG need no library."""

from __future__ import annotations

import hashlib
import io
import struct
from typing import Any

from breeze.testing.media import pcm, png_file
from breeze.testing.standins._said import tokens

MIMES = {
    "wav": "audio/wav", "pcm": "audio/pcm", "mp3": "audio/mpeg", "opus": "audio/ogg",
    "aac": "audio/aac", "flac": "audio/flac",
    "png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp",
}  # fmt: skip
_CODECS = {"opus": ("ogg", "libopus"), "aac": ("adts", "aac"), "flac": ("flac", "flac")}
_FRAME = b"\xff\xfb\x90\x64" + bytes(413)
"""A silent frame of MP3: 128 kbit/s, 44100 Hz, 26 ms."""


def seconds_of(text: str) -> float:
    """A tenth of a second for each word."""
    return max(1, len(tokens(text))) / 10


def sound(text: str, form: str, rate: int = 24_000) -> bytes:
    """A tone as long as the text. Raises ValueError where a library for the format is missing."""
    seconds = seconds_of(text)
    if form == "mp3":
        return _FRAME * max(1, round(seconds / 0.026))
    samples = pcm(0.1, rate) * round(seconds * 10)  # whole waves of the tone: they join
    if form == "pcm":
        return samples
    if form == "wav":
        head = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
        data = b"WAVEfmt " + head + b"data" + struct.pack("<I", len(samples)) + samples
        return b"RIFF" + struct.pack("<I", len(data)) + data
    return _encoded(samples, form, rate)


def _encoded(samples: bytes, form: str, rate: int) -> bytes:
    if form not in _CODECS:
        raise ValueError(f"unknown sound format {form!r}")
    try:
        import av
    except ImportError as error:
        raise ValueError(f"{form} needs the extra `local`: ask for mp3, wav or pcm") from error
    container, codec = _CODECS[form]
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=rate)
        stream.layout = "mono"
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
        frame.sample_rate = rate
        frame.planes[0].update(samples)
        resampler = av.AudioResampler(stream.format.name, "mono", rate, stream.frame_size or None)
        for ready in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(ready))
        file.mux(stream.encode(None))
    return out.getvalue()


def picture(text: str, width: int, height: int, form: str = "png") -> bytes:
    """A picture of one colour, which follows from the text."""
    colour = hashlib.sha256(text.encode()).digest()[:3]
    if form == "png":
        return png_file(width, height, [colour * width] * height, colour=True)
    if form not in ("jpeg", "webp"):
        raise ValueError(f"unknown picture format {form!r}")
    try:
        from PIL import Image
    except ImportError as error:
        raise ValueError(f"{form} needs the extra `vision`: ask for png") from error
    out = io.BytesIO()
    Image.new("RGB", (width, height), (colour[0], colour[1], colour[2])).save(out, form.upper())
    return out.getvalue()
