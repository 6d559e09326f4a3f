"""What the tests of `espeak` share: how to speak, and how to listen to what was said."""

from __future__ import annotations

import statistics
from array import array
from contextlib import AbstractAsyncContextManager
from typing import Any

from breeze.contracts.answers import Speech
from breeze.contracts.events import AudioChunk
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.results import collect
from breeze.contracts.wav import WAV_HEADER
from breeze.runners._espeak_parameters import EspeakParameters
from breeze.runners.espeak import EspeakRunner
from tests.runners.vendor import ready

STORY = "The quick brown fox jumps over the lazy dog, and then it rests. " * 1_600


def espeak(**parameters: Any) -> AbstractAsyncContextManager[EspeakRunner]:
    return ready(EspeakRunner(EspeakParameters.of(parameters)))


async def said(runner: EspeakRunner, text: str, **fields: Any) -> Speech:
    answer = await collect(runner.stream(SpeakRequest(text, **fields)), Speech)
    assert isinstance(answer, Speech)
    return answer


async def chunks(runner: EspeakRunner, request: SpeakRequest) -> list[AudioChunk]:
    return [e async for e in runner.stream(request) if isinstance(e, AudioChunk)]


def duration(speech: Speech) -> float:
    return speech.duration


def loudness(speech: Speech) -> float:
    samples = array("h", speech.audio[WAV_HEADER:])
    return sum(map(abs, samples)) / len(samples)


def pitches(speech: Speech) -> list[float]:
    """The pitch in Hz of each voiced 50 ms, by autocorrelation between 60 and 500 Hz."""
    import numpy as np

    samples = np.frombuffer(speech.audio[WAV_HEADER:], dtype="<i2").astype(float)
    found = []
    for start in range(0, len(samples) - 1_102, 1_102):
        frame = samples[start : start + 1_102]
        alike = np.correlate(frame, frame, "full")[1_101:]
        lag = 44 + int(np.argmax(alike[44:367]))
        if alike[0] > 1e9 and alike[lag] > 0.6 * alike[0]:
            found.append(22_050 / lag)
    return found


def height(speech: Speech) -> float:
    return statistics.median(pitches(speech))


def liveliness(speech: Speech) -> float:
    """How far the pitch moves, in Hz; a breath that is taken for a high pitch does not count."""
    low, *_, high = statistics.quantiles(pitches(speech), n=5)
    return high - low
