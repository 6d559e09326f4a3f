"""`mock_tts`: a beep a word, at the pace at which the words would be spoken."""

from __future__ import annotations

import array
import math
import re
import sys
from collections.abc import AsyncGenerator, Iterator
from typing import NamedTuple

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted, AudioChunk, SpeakEvent
from breeze.contracts.fields import Choice, choice, integer, number
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.runner import runner
from breeze.contracts.values import Usage, Word
from breeze.contracts.wav import wav_header
from breeze.runners._mock import MockParameters, MockRunner, finish, pause, pieces, unused

VOICES = {"mock-low": 220.0, "mock-mid": 440.0, "mock-high": 880.0}
"""The voices and their tones in Hz."""
_ENDS = r".!?\u3002\uff01\uff1f\n"
_SENTENCE = re.compile(rf"[^{_ENDS}]*[{_ENDS}]+|[^{_ENDS}]+")
_SOUNDING = 0.8
"""Share of a word's time that sounds; the rest is silence, so that words can be counted."""


class MockTTSParameters(MockParameters):
    """What mock_tts can be told."""

    voice: str = choice(
        "mock-mid",
        [Choice(name, name, f"A tone of {tone:g} Hz") for name, tone in VOICES.items()],
        "Voice when the request names none",
        category="Voice",
        per_request=True,
    )
    pitch: float = number(
        1.0,
        "Factor on the voice's tone",
        low=0.5,
        high=2,
        step=0.1,
        precision=1,
        category="Voice",
        per_request=True,
    )
    words_per_minute: int = integer(
        150,
        "Pace at speed 1",
        low=60,
        high=400,
        step=10,
        unit="words/min",
        category="Voice",
        per_request=True,
    )
    amplitude: float = number(
        0.3,
        "Loudness, 1 being the loudest that fits",
        low=0,
        high=1,
        step=0.1,
        precision=1,
        category="Sound",
        per_request=True,
    )
    sample_rate: int = integer(
        16_000,
        "Samples a second when the request does not say",
        low=4_000,
        high=384_000,
        unit="Hz",
        category="Sound",
        per_request=True,
    )


class Spoken(NamedTuple):
    """A word of the text, its sentence (from 0), and its times in seconds."""

    word: Word
    sentence: int


@runner(
    "mock_tts",
    vendor="Breeze",
    kind=RunnerKind.MOCK,
    priority=Priority.LOW,
    default_model="mock-tts-v1",
    concurrency=64,
)
class MockTTSRunner(MockRunner[MockTTSParameters]):
    """Beeps once a word, with the times of the words; 16-bit mono, WAV or PCM."""

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        model = self.model_for(request)
        p = self.parameters_for(request)
        with self.work.stream() as work:
            voice = _voice(request.voice or p.voice)
            for note in _adjustments(request):
                yield note
            await self.begin(request, p)
            rate = request.sample_rate or p.sample_rate
            form = request.format if request.format in ("wav", "pcm") else "wav"
            seconds = 60 / p.words_per_minute / request.speed
            beep = _beep(rate, VOICES[voice] * p.pitch, seconds, p.amplitude)
            index = 0
            for index, (word, sentence) in enumerate(_spoken(request.text, seconds)):
                if index:
                    await pause(p.stream_chunk_delay_ms)
                work.steps += 1
                header = wav_header(rate) if form == "wav" and not index else b""
                where = {"sentence_index": sentence}
                yield AudioChunk(header + beep, index, rate, 1, form, (word,), metadata=where)
            length = (index + 1) * len(beep) / 2 / rate
            yield Usage(characters=len(request.text), audio_seconds=length)
            yield finish(
                model_name=model,
                voice_used=voice,
                speaking_rate=request.speed,
                pitch=p.pitch,
                audio_duration_ms=round(length * 1000),
                audio_format=form,
                sample_rate=rate,
                channels=1,
            )


def _adjustments(request: SpeakRequest) -> Iterator[Adjusted]:
    yield from unused(request, "a mock beeps in no language", "language", "instructions")
    if request.format not in ("wav", "pcm"):
        yield Adjusted("format", request.format, "wav", "a mock writes WAV and PCM only")


def _voice(name: str) -> str:
    if name not in VOICES:
        raise InputError(f"No voice {name!r}: choose from {', '.join(VOICES)}.", field="voice")
    return name


def _spoken(text: str, seconds: float) -> Iterator[Spoken]:
    """The words of `text`, each taking `seconds`."""
    offset = number = 0
    for sentence, found in enumerate(_SENTENCE.findall(text)):
        for piece in pieces(found):
            word = piece.strip()
            if word:
                at = offset + len(piece) - len(piece.lstrip())
                start, end = number * seconds, (number + 1) * seconds
                yield Spoken(Word(word, start, end, offset=at), sentence)
                number += 1
            offset += len(piece)


def _beep(rate: int, tone: float, seconds: float, amplitude: float) -> bytes:
    """A tone, then silence: 16-bit little-endian. Whole periods, so that nothing clicks."""
    period = max(2, round(rate / tone))
    wave = array.array(
        "h",
        (round(amplitude * 32767 * math.sin(math.tau * i / period)) for i in range(period)),
    )
    if sys.byteorder == "big":
        wave.byteswap()
    samples = round(rate * seconds)
    return (wave.tobytes() * int(samples * _SOUNDING / period)).ljust(samples * 2, b"\0")
