"""What the first bytes of encoded sound say: which encoding, how many samples a second."""

from __future__ import annotations

import struct
from typing import NamedTuple

ENOUGH = 64
"""Bytes from which the form can be told."""
_MP3_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_AAC_RATES = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
)  # fmt: skip
_MAGIC = (
    (b"RIFF", "wav"), (b"fLaC", "flac"), (b"OggS", "opus"), (b"ID3", "mp3"),
    (b"\x1aE\xdf\xa3", "webm"),
)  # fmt: skip
MIMES = {
    "wav": "audio/x-wav", "mp3": "audio/mpeg", "flac": "audio/flac", "opus": "audio/ogg",
    "webm": "audio/webm", "m4a": "audio/mp4", "aac": "audio/aac",
}  # fmt: skip
SUFFIXES = {"opus": "ogg"}


class Form(NamedTuple):
    """Encoding, Hz, channels; 0 for what the bytes do not say."""

    format: str
    rate: int = 0
    channels: int = 1


def encoding_of(data: bytes) -> str:
    """`wav`, `mp3`, `flac`, `opus` (Ogg), `webm`, `m4a`, `aac`; "" when it is none of them."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[4:8] == b"ftyp":
        return "m4a"
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0:
        return "aac" if data[1] & 0x06 == 0 else "mp3"  # ADTS has layer 0, MPEG audio has not
    return ""


def form_of(data: bytes, expected: str) -> Form:
    """The form of sound that begins with `data` and should be `expected`."""
    found = encoding_of(data) if expected != "pcm" or data[:4] == b"RIFF" else "pcm"
    read = _READ.get(found)
    if read is None:
        return Form(found or expected)
    try:
        rate, channels = read(data)
    except (struct.error, IndexError, KeyError):
        return Form(found)
    return Form(found, rate, channels or 1)


def length_of(data: bytes) -> int:
    """How many bytes there will be, where the beginning of a WAV tells; else 0.

    Whoever writes one before its end is known puts 0 there, or the most that there can be.
    """
    told = int.from_bytes(data[4:8], "little") if data[:4] == b"RIFF" else 0
    return told + 8 if 0 < told < 0x7FFF_0000 else 0


def _wav(data: bytes) -> tuple[int, int]:
    at = data.index(b"fmt ") + 8 if b"fmt " in data else 20
    _, channels, rate = struct.unpack_from("<HHI", data, at)
    return rate, channels


def _flac(data: bytes) -> tuple[int, int]:
    packed = int.from_bytes(data[18:22], "big")
    return packed >> 12, (packed >> 9 & 0x07) + 1


def _mp3(data: bytes) -> tuple[int, int]:
    if data.startswith(b"ID3"):
        size = 0
        for byte in data[6:10]:
            size = size << 7 | byte
        data = data[10 + size :]
    if len(data) < 4 or data[0] != 0xFF:
        return 0, 1
    return _MP3_RATES[data[1] >> 3 & 3][data[2] >> 2 & 3], 1 if data[3] >> 6 == 3 else 2


def _aac(data: bytes) -> tuple[int, int]:
    return _AAC_RATES[data[2] >> 2 & 0xF], (data[2] & 1) << 2 | data[3] >> 6


def _opus(data: bytes) -> tuple[int, int]:
    at = data.find(b"OpusHead")
    return (48_000, data[at + 9]) if at >= 0 else (0, 1)


_READ = {"wav": _wav, "flac": _flac, "mp3": _mp3, "aac": _aac, "opus": _opus}
