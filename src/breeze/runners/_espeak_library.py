"""eSpeak NG through ctypes: the one place that knows its C interface.

The library is one global state that cannot be made twice, so a process opens it once, never closes
it (closing frees nothing worth having and breaks a later opening), and speaks under one lock.
"""

from __future__ import annotations

import ctypes as c
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from breeze.contracts.errors import NotLoadedError, SynthesisError

WORD, SENTENCE, END = 1, 2, 5
"""Kinds of marks: a word begins, a sentence begins, a clause has ended."""
_SYNCHRONOUS, _DO_NOT_EXIT, _BUFFER_MS = 2, 0x8000, 50
_UTF8, _CHARACTER = 1, 1
_RATE, _VOLUME, _PITCH, _RANGE, _PUNCTUATION, _CAPITALS, _WORDGAP = 1, 2, 3, 4, 5, 6, 7


class _Voice(c.Structure):
    _fields_ = (
        ("name", c.c_char_p),
        ("languages", c.c_void_p),
        ("identifier", c.c_char_p),
        ("gender", c.c_ubyte),
        ("age", c.c_ubyte),
        ("variant", c.c_ubyte),
        ("reserved", c.c_ubyte),
        ("score", c.c_int),
        ("spare", c.c_void_p),
    )


class _Identity(c.Union):
    _fields_ = (("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8))


class _Event(c.Structure):
    _fields_ = (
        ("type", c.c_int),
        ("unique", c.c_uint),
        ("position", c.c_int),
        ("length", c.c_int),
        ("audio", c.c_int),
        ("sample", c.c_int),
        ("user", c.c_void_p),
        ("id", _Identity),
    )


_CALLBACK = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int, c.POINTER(_Event))


class Mark(NamedTuple):
    """Where something is: `offset` and `length` in characters, `sample` in the sound.

    The offset of END is that of the last character of the clause.
    """

    kind: int
    offset: int
    length: int
    sample: int


class VoiceFacts(NamedTuple):
    """A voice as the library lists it. `languages` with their rank; a lower one fits better."""

    name: str
    identifier: str
    languages: tuple[tuple[int, str], ...]
    gender: int


@dataclass(frozen=True)
class Manner:
    """How to speak: all that the library keeps between calls. `wpm` words a minute, gap in ms."""

    voice: str
    wpm: int
    pitch: int = 50
    range: int = 50
    volume: int = 100
    gap: int = 0
    punctuation: int = 0
    capitals: int = 0


Heard = Callable[[bytes, list[Mark]], bool]
"""Takes the next samples and marks; false stops the voice."""


class Library:
    """The opened library. `sample_rate` in Hz."""

    def __init__(self) -> None:
        import espeakng_loader

        self._native: Any = c.CDLL(espeakng_loader.get_library_path())
        self._native.espeak_ListVoices.restype = c.POINTER(c.POINTER(_Voice))
        place = espeakng_loader.get_data_path()
        self.sample_rate = int(
            self._native.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, place.encode(), _DO_NOT_EXIT)
        )
        if self.sample_rate <= 0:
            raise NotLoadedError(
                f"eSpeak NG cannot read its data in {place}: run "
                "pip install --force-reinstall espeakng-loader, into a folder with a path of "
                "less than 140 characters."
            )
        self._speaking = threading.Lock()
        self._manner: Manner | None = None
        self._heard: Heard | None = None
        self._callback = _CALLBACK(self._on_sound)  # kept: the library holds only its address
        self._native.espeak_SetSynthCallback(self._callback)

    def voices(self, variants: bool = False) -> list[VoiceFacts]:
        """All voices, or all variations that can be laid over one."""
        asked = None
        if variants:
            asked = _Voice(languages=c.cast(c.c_char_p(b"variant"), c.c_void_p))
        with self._speaking:
            listed = self._native.espeak_ListVoices(c.byref(asked) if asked else None)
            found: list[VoiceFacts] = []
            while listed[len(found)]:
                found.append(_facts(listed[len(found)].contents))
        return found

    def say(self, text: str, manner: Manner, heard: Heard, stopped: Callable[[], bool]) -> None:
        """Speak `text`, giving sound to `heard` as it is made. Returns when all is said.

        `stopped` is asked while another call has the voice. Raises SynthesisError.
        """
        while not self._speaking.acquire(timeout=0.02):
            if stopped():
                return
        try:
            self._take_on(manner)
            self._heard = heard
            data = text.encode()
            failed = self._native.espeak_Synth(
                data, len(data) + 1, 0, _CHARACTER, 0, _UTF8, None, None
            )
        finally:
            self._heard = None
            self._speaking.release()
        if failed:
            raise SynthesisError(f"eSpeak NG could not speak (its code {failed}): try again.")

    def _take_on(self, manner: Manner) -> None:
        if manner == self._manner:
            return
        self._manner = None
        if self._native.espeak_SetVoiceByName(manner.voice.encode()):
            raise SynthesisError(f"eSpeak NG cannot load its voice {manner.voice!r}.")
        for number, value in (
            (_RATE, manner.wpm),
            (_VOLUME, manner.volume),
            (_PITCH, manner.pitch),
            (_RANGE, manner.range),
            (_WORDGAP, manner.gap // 10),
            (_PUNCTUATION, manner.punctuation),
            (_CAPITALS, manner.capitals),
        ):
            self._native.espeak_SetParameter(number, value, 0)
        self._manner = manner

    def _on_sound(self, samples: int | None, count: int, events: Any) -> int:
        """Called by the library, inside `say`. Returns 1 to stop it."""
        if self._heard is None:
            return 1
        marks: list[Mark] = []
        while (event := events[len(marks)]).type:
            marks.append(Mark(event.type, event.position - 1, event.length, event.sample))
        sound = c.string_at(samples, count * 2) if samples and count > 0 else b""
        return 0 if self._heard(sound, marks) else 1


def _facts(voice: _Voice) -> VoiceFacts:
    """The languages are stored as: rank (one byte), name, NUL, ..., and a NUL at the end."""
    languages, at = [], voice.languages
    while at and (rank := c.string_at(at, 1)) != b"\0":
        name = c.string_at(at + 1)
        languages.append((rank[0], name.decode()))
        at += 2 + len(name)
    return VoiceFacts(
        voice.name.decode(), voice.identifier.decode(), tuple(languages), voice.gender
    )


_opening = threading.Lock()
_opened: Library | None = None


def open_library() -> Library:
    """The library, opened by the first call. Raises NotLoadedError, or OSError from the loader."""
    global _opened
    with _opening:
        if _opened is None:
            _opened = Library()
        return _opened
