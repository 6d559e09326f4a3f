"""Sound that follows from a text: a tone for each letter, or as much silence as it would take."""

from __future__ import annotations

import struct
from functools import lru_cache

SECONDS = 0.02
"""A letter takes so long at the usual speed."""
TYPES = {"mp3": "audio/mpeg", "opus": "audio/ogg", "ulaw": "audio/basic", "alaw": "audio/basic",
         "pcm": "audio/pcm", "wav": "audio/wav"}  # fmt: skip
_MPEG1 = {32: 1, 48: 3, 64: 5, 96: 7, 128: 9, 192: 11}
_MPEG2 = {32: 4, 48: 6}
_RATES = {44_100: 0, 22_050: 0, 24_000: 1}
_NOTHING = bytes((0xF8, 0xFF, 0xFE))
"""A packet of Opus that is 20 ms of silence."""


def sound(text: str, wire: str, speed: float = 1.0) -> bytes:
    """The text spoken, in a format named as the vendor does."""
    codec, rate, *rest = wire.split("_")
    seconds = len(text) * SECONDS / speed
    if codec == "mp3":
        return _mp3(int(rate), int(rest[0]), seconds)
    if codec == "opus":
        return _opus(seconds)
    if codec in ("ulaw", "alaw"):
        silence = b"\xff" if codec == "ulaw" else b"\xd5"
        return silence * round(seconds * int(rate))
    pcm = b"".join(_tone(letter, int(rate), speed) for letter in text)
    return _wav(pcm, int(rate)) if codec == "wav" else pcm


@lru_cache(maxsize=4096)
def _tone(letter: str, rate: int, speed: float) -> bytes:
    """A letter: signed 16-bit little-endian mono."""
    count, step = round(rate * SECONDS / speed), (200 + ord(letter) % 200) * 65_536 // rate
    return struct.pack(f"<{count}h", *((((i * step) & 0xFFFF) - 32_768) // 8 for i in range(count)))


def _wav(pcm: bytes, rate: int) -> bytes:
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
    data = b"fmt " + form + b"data" + struct.pack("<I", len(pcm)) + pcm
    return b"RIFF" + struct.pack("<I", len(data) + 4) + b"WAVE" + data


def _mp3(rate: int, kilobits: int, seconds: float) -> bytes:
    """Frames of silence, in full length."""
    newer = rate < 32_000
    samples = 576 if newer else 1152
    bits = (_MPEG2 if newer else _MPEG1)[kilobits]
    head = bytes((0xFF, 0xF3 if newer else 0xFB, bits << 4 | _RATES[rate] << 2, 0xC0))
    size = samples // 8 * kilobits * 1000 // rate
    return (head + bytes(size - 4)) * max(1, -(-round(seconds * rate) // samples))


def _opus(seconds: float) -> bytes:
    """An Ogg file with packets of silence."""
    head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 8) + b"stand-in" + struct.pack("<I", 0)
    pages = [_page([head], 0, 0, first=True), _page([tags], 1, 0)]
    left, number, done = max(1, round(seconds * 50)), 2, 0
    while left:
        count = min(left, 50)
        left, done = left - count, done + count * 960
        pages.append(_page([_NOTHING] * count, number, done, last=not left))
        number += 1
    return b"".join(pages)


def _page(
    packets: list[bytes], number: int, position: int, *, first: bool = False, last: bool = False
) -> bytes:
    lacing = bytes(len(packet) for packet in packets)
    flags = (2 if first else 0) | (4 if last else 0)
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, position, 7, number, 0)
    page = head + bytes((len(lacing),)) + lacing + b"".join(packets)
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _checksum(data: bytes) -> int:
    total = 0
    for byte in data:
        total = (total << 8 & 0xFFFFFFFF) ^ _TABLE[(total >> 24) ^ byte]
    return total


def _row(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


_TABLE = tuple(_row(byte) for byte in range(256))
