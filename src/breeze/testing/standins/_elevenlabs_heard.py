"""What is heard in a sound: one word for each half second."""

from __future__ import annotations

import struct
from typing import Any

Json = dict[str, Any]
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SENTENCE = 5
"""Words."""
_KNOWN = (b"OggS", b"fLaC", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\x1aE\xdf\xa3")
_LETTERS = {"en": "eng", "de": "deu", "fr": "fra", "es": "spa"}


def seconds_of(data: bytes) -> float:
    """How long the sound is. Raises ValueError for what is none."""
    if data[:4] == b"RIFF" and len(data) > 44:
        each: int = struct.unpack_from("<I", data, 28)[0]
        if each:
            return (len(data) - 44) / each
    elif data.startswith(_KNOWN):
        return len(data) / 16_000
    raise ValueError("The sound cannot be read.")


def transcript(seconds: float, language: str, *, times: bool, speakers: bool, events: bool) -> Json:
    """The answer for a sound of that length."""
    count = int(seconds / 0.5)
    words: list[Json] = []
    for i in range(count):
        if words:
            words.append(_item(" ", "spacing", i * 0.5 - 0.1, i * 0.5, _speaker(i - 1, speakers)))
        text = _NUMBERS[i % len(_NUMBERS)] + ("." if i % _SENTENCE == _SENTENCE - 1 else "")
        words.append(_item(text, "word", i * 0.5, i * 0.5 + 0.4, _speaker(i, speakers)))
    if events:
        words.append(_item("(laughter)", "audio_event", seconds, seconds, _speaker(0, speakers)))
    text = "".join(word["text"] for word in words)
    return {
        "language_code": _LETTERS.get(language or "en", language), "language_probability": 0.98,
        "text": text, "words": words if times else [], "audio_duration_secs": seconds,
    }  # fmt: skip


def _speaker(i: int, speakers: bool) -> str | None:
    return f"speaker_{i // _SENTENCE % 2}" if speakers else None


def _item(text: str, kind: str, start: float, end: float, speaker: str | None) -> Json:
    said = {"text": text, "start": start, "end": end, "type": kind, "logprob": -0.1}
    return said | ({"speaker_id": speaker} if speaker else {})
