"""Leaving the elevenlabs runner in every phase: its connection closes at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from breeze.contracts.requests import SpeakRequest, TranscribeRequest
from breeze.runners._audio import libav
from breeze.runners.elevenlabs import ElevenLabsRunner
from breeze.testing.media import wav
from breeze.testing.standins.elevenlabs import ElevenLabsStandin
from tests.runners.elevenlabs_asking import MODEL, hearing, running, saying, spoken
from tests.runners.leaving import leave

libav()  # what encodes takes a while to load the first time
PLAIN = {"verify_end": False}
SPEECH = "POST /v1/text-to-speech"


class Phase(NamedTuple):
    """Where a request waits: for which answer, after which fault."""

    request: SpeakRequest | TranscribeRequest
    fault: str
    on: str


PHASES = {
    "looking for a voice": Phase(saying(voice="Ada"), "slow-head", "GET /v2/voices"),
    "asking how long a text may be": Phase(
        saying("word " * 300, model=MODEL), "slow-head", "GET /v1/models"
    ),
    "waiting for sound": Phase(saying(), "slow-first", SPEECH),
    "amid the sound": Phase(saying(), "stall", SPEECH),
    "amid sound that is encoded here": Phase(saying(format="aac"), "stall", SPEECH),
    "amid plain sound": Phase(saying(params=PLAIN), "stall", SPEECH),
    "waiting for plain sound": Phase(saying(params=PLAIN), "slow-first", SPEECH),
    "waiting for all of the sound": Phase(saying(whole=True), "stall", SPEECH),
    "waiting for what was heard": Phase(
        hearing(audio=wav(1.0)), "slow-head", "POST /v1/speech-to-text"
    ),
    "amid what was heard": Phase(hearing(audio=wav(1.0)), "stall", "POST /v1/speech-to-text"),
}


@pytest.fixture
async def vendor() -> AsyncIterator[ElevenLabsStandin]:
    async with ElevenLabsStandin.serving() as vendor:
        yield vendor


@pytest.fixture
async def runner(vendor: ElevenLabsStandin) -> AsyncIterator[ElevenLabsRunner]:
    async with running(vendor) as runner:
        yield runner


@pytest.mark.parametrize("name", PHASES)
async def test_the_connection_is_closed_within_a_tenth_of_a_second(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner, name: str
) -> None:
    phase = PHASES[name]
    vendor.fault(phase.fault, on=phase.on)
    await leave(vendor, runner, phase.request)
    assert (await spoken(runner, saying())).audio


async def test_waiting_for_a_turn_can_be_left(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    vendor.at_once = 1
    await spoken(runner, saying())
    vendor.fault("stall")
    holding = runner.speak(saying())
    await anext(holding)
    waiting = asyncio.ensure_future(spoken(runner, saying()))
    await asyncio.wait([waiting], timeout=0.05)
    waiting.cancel()
    await asyncio.wait([waiting], timeout=0.1)
    assert waiting.cancelled()
    assert len(vendor.calls) == 2
    await holding.aclose()
    assert (await spoken(runner, saying())).audio
    assert runner.work.active == 0
