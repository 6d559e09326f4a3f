"""`my_runner`: a Morse key, until your voice moves in."""

from __future__ import annotations

import array
import math
import sys
from collections.abc import AsyncGenerator, Iterator

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, AudioChunk, Finish, SpeakEvent
from breeze.contracts.fields import integer
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import AUTO, SpeakRequest
from breeze.contracts.runner import Runner, runner
from breeze.contracts.values import Usage, Word
from breeze.contracts.wav import wav_header

MODEL = "morse"
_RATE = 16_000
_LETTERS = "ETIANMSURWDKGOHVF?L?PJBXCYZQ"
"""The letters in the order of a walk through the tree: dot to the left, dash to the right."""


class MyParameters(Parameters):
    """What an operator, or a request, can tell this runner."""

    tone: int = integer(600, "Pitch", low=100, high=4000, step=10, unit="Hz", per_request=True)
    dot: int = integer(60, "Length of a dot", low=10, high=500, unit="ms", per_request=True)


@runner(
    "my_runner",
    vendor="My Company",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    default_model=MODEL,
)
class MyRunner(Runner[MyParameters]):
    """Sends a text as Morse code: 16-bit mono sound, with the times of the words."""

    def __init__(self, parameters: MyParameters) -> None:
        super().__init__(parameters)
        self._loaded = False

    async def load(self, model: str) -> None:
        _check_model(model)
        self._loaded = True

    async def unload(self) -> None:
        self._loaded = False

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        if not self._loaded:
            raise NotLoadedError("Nothing is loaded: call load() first.")
        _check_model(request.model)
        p = self.parameters_for(request)
        for event in adjustments(request):
            yield event
        seconds = 0.0
        with self.work.stream() as work:
            for chunk in chunks(request, p.tone, p.dot / 1000 / request.speed):
                work.steps += 1
                seconds = chunk.words[0].end
                yield chunk
        yield Usage(characters=len(request.text), audio_seconds=seconds)
        yield Finish()


def chunks(request: SpeakRequest, tone: int, dot: float) -> Iterator[AudioChunk]:
    """A piece of sound for each word. `dot` in seconds; a dash is three dots long."""
    words = [word for word in request.text.split() if spelled(word)]
    if not words:
        raise InputError("Nothing of this can be sent as Morse code: use A to Z.", field="text")
    rate, start = request.sample_rate or _RATE, 0.0
    form = request.format if request.format in ("wav", "pcm") else "wav"
    pause = bytes(2 * round(dot * rate))
    sounds = {".": beep(rate, tone, dot) + pause, "-": beep(rate, tone, 3 * dot) + pause}
    for index, word in enumerate(words):
        sound = b"".join(sounds.get(sign, 2 * pause) for sign in f"{spelled(word)}  ")
        end = start + len(sound) / 2 / rate
        header = wav_header(rate) if form == "wav" and not index else b""
        yield AudioChunk(header + sound, index, rate, 1, form, (Word(word, start, end),))
        start = end


def spelled(word: str) -> str:
    """A word as dots, dashes and a space after each letter; what is no letter is left out."""
    codes = (code(letter) for letter in word.upper())
    return " ".join(filter(None, codes))


def code(letter: str) -> str:
    """The dots and dashes of a letter, found by walking up the tree from it."""
    if letter == "?" or letter not in _LETTERS:
        return ""
    place, signs = _LETTERS.index(letter) + 2, ""
    while place > 1:
        signs = ".-"[place % 2] + signs
        place //= 2
    return signs


def beep(rate: int, tone: int, seconds: float) -> bytes:
    """A tone as 16-bit little-endian samples."""
    samples = array.array(
        "h",
        (
            round(12_000 * math.sin(math.tau * tone * i / rate))
            for i in range(round(seconds * rate))
        ),
    )
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def adjustments(request: SpeakRequest) -> Iterator[Adjusted]:
    """Everything that was asked for and is not done here: nothing is dropped in silence."""
    for name in ("voice", "language", "instructions"):
        if asked := getattr(request, name):
            yield Adjusted(name, asked, None, "Morse code has but one voice")
    if request.format not in ("wav", "pcm"):
        yield Adjusted("format", request.format, "wav", "only WAV and PCM are written here")


def _check_model(model: str) -> None:
    if model not in ("", AUTO, MODEL):
        raise NotFoundError(f"There is no model {model!r}: ask for {MODEL}.", field="model")
