"""`my_runner`: a Morse decoder, until your recogniser moves in."""

from __future__ import annotations

import array
import io
import sys
import wave
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from pathlib import Path

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, Finish, TranscribeEvent, Transcript
from breeze.contracts.fields import integer
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import AUTO, TranscribeRequest
from breeze.contracts.runner import Runner, runner
from breeze.contracts.values import Usage

MODEL = "morse"
_LETTERS = "ETIANMSURWDKGOHVF?L?PJBXCYZQ"
"""The letters in the order of a walk through the tree: dot to the left, dash to the right."""
_STEP = 0.01
"""Seconds of sound that are looked at together."""


class MyParameters(Parameters):
    """What an operator, or a request, can tell this runner."""

    dot: int = integer(60, "Length of a dot", low=20, high=500, unit="ms", per_request=True)
    threshold: int = integer(
        1500, "Level from which on it is a tone", low=100, high=20_000, per_request=True
    )


class Key:
    """A telegraph key as heard so far: what was written, and what is being heard now."""

    def __init__(self, dot: float) -> None:
        self._dot = dot
        self._on = False
        self._lasted = 0.0
        self._signs = ""
        self.text = ""

    def hear(self, on: bool) -> None:
        """The next step of sound, tone or silence."""
        if on != self._on:
            if self._on:
                self._signs += "." if self._lasted < 2 * self._dot else "-"
            self._on, self._lasted = on, 0.0
        self._lasted += _STEP
        if not on and self._signs and self._lasted > 2 * self._dot:
            self.text += letter(self._signs)
            self._signs = ""
        if not on and self.text[-1:].strip() and self._lasted > 5 * self._dot:
            self.text += " "

    def end(self) -> None:
        """No more sound: a silence that ends every sign and word."""
        for _ in range(round(6 * self._dot / _STEP) + 1):
            self.hear(False)


@runner(
    "my_runner",
    vendor="My Company",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    default_model=MODEL,
)
class MyRunner(Runner[MyParameters]):
    """Reads Morse code in 16-bit mono sound, letter by letter, as it is sent."""

    def __init__(self, parameters: MyParameters) -> None:
        super().__init__(parameters)
        self._loaded = False

    async def load(self, model: str) -> None:
        _check_model(model)
        self._loaded = True

    async def unload(self) -> None:
        self._loaded = False

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        if not self._loaded:
            raise NotLoadedError("Nothing is loaded: call load() first.")
        _check_model(request.model)
        p = self.parameters_for(request)
        for event in adjustments(request):
            yield event
        source, rate = sound_of(request)
        key, seconds, shown = Key(p.dot / 1000), 0.0, ""
        with self.work.stream() as work:
            async for loudness in levels(source, rate):
                work.steps += 1
                seconds += _STEP
                key.hear(loudness >= p.threshold)
                if key.text.strip() != shown:
                    shown = key.text.strip()
                    yield Transcript(shown, end=seconds)
        key.end()
        yield Transcript(key.text.strip(), is_final=True, end=seconds)
        yield Usage(audio_seconds=seconds)
        yield Finish()


def letter(signs: str) -> str:
    """The letter of some dots and dashes; `?` when there is none."""
    place = 1
    for sign in signs:
        place = 2 * place + (sign == "-")
    return _LETTERS[place - 2] if place - 2 < len(_LETTERS) else "?"


def sound_of(request: TranscribeRequest) -> tuple[AsyncIterable[bytes], int]:
    """The samples of the request and their rate. Raises InputError for what is no such sound."""
    if request.live is not None:
        return request.live, request.sample_rate or 16_000
    data = request.audio or Path(request.file).read_bytes()
    if request.sample_rate:
        return once(data), request.sample_rate
    try:
        with wave.open(io.BytesIO(data)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise InputError("Only mono sound of 16 bits is understood.", field="audio")
            return once(file.readframes(file.getnframes())), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise InputError(f"This is not a whole WAV file: {error}.", field="audio") from error


async def once(data: bytes) -> AsyncIterator[bytes]:
    """All of it, as a source like any other."""
    yield data


async def levels(source: AsyncIterable[bytes], rate: int) -> AsyncIterator[float]:
    """The mean loudness of each step of sound, 0 to 32768."""
    size, rest = 2 * max(1, round(rate * _STEP)), b""
    async for data in source:
        rest += data
        for start in range(0, len(rest) - size + 1, size):
            yield loudness_of(rest[start : start + size])
        rest = rest[len(rest) - len(rest) % size :]


def loudness_of(block: bytes) -> float:
    """The mean distance from silence of some samples."""
    samples = array.array("h", block)
    if sys.byteorder == "big":
        samples.byteswap()
    return sum(map(abs, samples)) / len(samples)


def adjustments(request: TranscribeRequest) -> Iterator[Adjusted]:
    """Everything that was asked for and is not done here: nothing is dropped in silence."""
    for name, used in (("language", "en-US"), ("prompt", ""), ("temperature", None)):
        if (asked := getattr(request, name)) != used:
            yield Adjusted(name, asked, used, "Morse code is what it is")
    if request.timestamps == "word":
        yield Adjusted("timestamps", "word", "segment", "words are not timed here")


def _check_model(model: str) -> None:
    if model not in ("", AUTO, MODEL):
        raise NotFoundError(f"There is no model {model!r}: ask for {MODEL}.", field="model")
