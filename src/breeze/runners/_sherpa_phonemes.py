"""Phonemes for voices that read them: sherpa-onnx itself makes none any more (since 2.0)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.errors import NotLoadedError

_MOST_CONFIG = 4_000_000
_turn = threading.Lock()
"""The library that makes phonemes has one language at a time."""


class _Reader(msgspec.Struct):
    voice: str = ""


class _Config(msgspec.Struct):
    """What an .onnx.json beside a voice tells of the language that it reads."""

    espeak: _Reader = msgspec.field(default_factory=_Reader)


class Phonemes:
    """Turns text into the phonemes of a language, by the package piper-tts."""

    def __init__(self, folder: Path, language: str) -> None:
        try:
            from piper.phonemize_espeak import EspeakPhonemizer
        except ImportError as error:
            raise NotLoadedError(
                f"{folder.name} reads phonemes: run pip install 'breeze-engine[piper]', or choose "
                "a voice with a lexicon.",
                retryable=False,
            ) from error
        self._voice = language.lower() or _told(folder)
        if not self._voice:
            raise NotLoadedError(
                f"{folder.name} does not tell its language: set language.", retryable=False
            )
        self._native: Any = EspeakPhonemizer()

    def of(self, text: str) -> list[list[int]]:
        """Code points of the phonemes of each sentence."""
        with _turn:
            sentences = self._native.phonemize(self._voice, text)
        return [[ord(letter) for letter in "".join(sounds)] for sounds in sentences]


def _told(folder: Path) -> str:
    for file in sorted(folder.glob("*.onnx.json")):
        try:
            if file.stat().st_size <= _MOST_CONFIG:
                return msgspec.json.decode(file.read_bytes(), type=_Config).espeak.voice
        except (OSError, msgspec.DecodeError):
            continue
    return ""
