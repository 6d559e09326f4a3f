"""Sound as a file that is sent: with a name, a type, and its length where that is known."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from breeze.contracts.wav import WAV_HEADER
from breeze.runners._sound_form import MIMES, SUFFIXES, encoding_of


class SoundFile(NamedTuple):
    """What to send: the bytes, a name and a type, and the seconds where they are known."""

    data: bytes
    name: str
    mime: str
    seconds: float = 0.0


def file_of(data: bytes, path: str) -> SoundFile:
    """Encoded sound, which was read from `path`, empty if it was given as bytes."""
    kind = encoding_of(data) or Path(path).suffix.removeprefix(".").lower() or "wav"
    name = Path(path).name if path else f"audio.{SUFFIXES.get(kind, kind)}"
    mime = MIMES.get(kind, "application/octet-stream")
    return SoundFile(data, name, mime, _seconds(data))


def _seconds(data: bytes) -> float:
    """Of plain WAV; 0 for what would have to be decoded."""
    if len(data) < WAV_HEADER or data[:4] != b"RIFF" or data[36:40] != b"data":
        return 0.0
    rate = int.from_bytes(data[28:32], "little")
    return (len(data) - WAV_HEADER) / rate if rate else 0.0
