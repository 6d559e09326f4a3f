"""The header of streamed 16-bit WAV: written before the length is known, closed at the end."""

from __future__ import annotations

import struct

WAV_HEADER = 44
"""Bytes before the first sample."""


def close_wav(audio: bytes) -> bytes:
    """A streamed WAV with the two lengths in its 44-byte header filled in; other bytes as given."""
    if len(audio) < WAV_HEADER or audio[:4] != b"RIFF" or audio[36:40] != b"data":
        return audio
    size, data = struct.pack("<I", len(audio) - 8), struct.pack("<I", len(audio) - WAV_HEADER)
    return audio[:4] + size + audio[8:40] + data + audio[WAV_HEADER:]


def wav_header(sample_rate: int, channels: int = 1) -> bytes:
    """The header of a 16-bit WAV whose length is not known yet, as streams begin."""
    rate, block, unknown = sample_rate * channels * 2, channels * 2, 0xFFFFFFFF
    form = struct.pack("<IHHIIHH", 16, 1, channels, sample_rate, rate, block, 16)
    head = b"RIFF" + struct.pack("<I", unknown) + b"WAVEfmt "
    return head + form + b"data" + struct.pack("<I", unknown)
