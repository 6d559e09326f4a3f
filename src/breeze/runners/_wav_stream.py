"""A WAV file that comes in pieces, as it is written: its rate, then its samples."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

_MOST_HEAD = 65_536
"""Bytes within which the samples must begin."""


class NoWav(Exception):
    """What came is not 16-bit mono WAV; the text says what is wrong."""


def samples(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Hz and signed 16-bit mono PCM, piece by piece. Raises NoWav.

    The length in the header does not count: whoever writes a stream does not know it.
    """
    head, rate = b"", 0
    for piece in pieces:
        if rate:
            yield rate, piece
            continue
        head += piece
        if (begin := _begin(head)) is not None:
            rate, at = begin
            if len(head) > at:
                yield rate, head[at:]
        elif len(head) > _MOST_HEAD:
            raise NoWav("it has no samples")
    if head and not rate:
        raise NoWav("it ends before its samples")


def _begin(head: bytes) -> tuple[int, int] | None:
    """Hz and where the samples begin; None while that is still to come."""
    if len(head) < 12:
        return None
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise NoWav("it is no WAV file")
    at, rate = 12, 0
    while len(head) >= at + 8:
        kind, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        at += 8
        if kind == b"data":
            if not rate:
                raise NoWav("its samples come before its form")
            return rate, at
        if kind == b"fmt ":
            if len(head) < at + 16:
                return None
            rate = _rate(head, at)
        at += size + size % 2
    return None


def _rate(head: bytes, at: int) -> int:
    _, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", head, at)
    if channels != 1 or bits != 16 or not rate:
        raise NoWav(f"it has {channels} channels of {bits} bits")
    return int(rate)
