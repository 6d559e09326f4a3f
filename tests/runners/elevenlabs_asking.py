"""Puts the elevenlabs runner to work on its stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from breeze.contracts.answers import Speech, Transcription
from breeze.contracts.events import AnyEvent
from breeze.contracts.request import Request
from breeze.contracts.requests import SpeakRequest, TranscribeRequest
from breeze.contracts.results import collect
from breeze.runners._elevenlabs_parameters import ElevenLabsParameters
from breeze.runners.elevenlabs import ElevenLabsRunner
from breeze.testing.standins.elevenlabs import ElevenLabsStandin, voice_id
from breeze.testing.stream import checked

VOICE = voice_id(7)
MODEL, HEARS = "eleven_flash_v2_5", "scribe_v2"
TEXT = "Good morning, dear parrot."


def made(**values: Any) -> ElevenLabsRunner:
    """A runner with these parameters."""
    return ElevenLabsRunner(ElevenLabsParameters.of(values))


@asynccontextmanager
async def running(vendor: ElevenLabsStandin, **values: Any) -> AsyncIterator[ElevenLabsRunner]:
    """A loaded runner that asks `vendor`."""
    usual = {"base_url": vendor.url, "api_key": vendor.key, "voice": VOICE}
    runner = made(**usual | values)
    await runner.load("")
    try:
        yield runner
    finally:
        await runner.unload()


def saying(text: str = TEXT, **fields: Any) -> SpeakRequest:
    return SpeakRequest(text, **fields)


def hearing(**fields: Any) -> TranscribeRequest:
    return TranscribeRequest(**{"model": HEARS, **fields})


async def events(runner: ElevenLabsRunner, request: Request[Any]) -> list[AnyEvent]:
    """Every event, each checked on its way."""
    return [event async for event in checked(runner.stream(request), request.capability.method)]


async def spoken(runner: ElevenLabsRunner, request: SpeakRequest) -> Speech:
    found = await collect(checked(runner.speak(request), "speak"), Speech)
    assert isinstance(found, Speech)
    return found


async def heard(runner: ElevenLabsRunner, request: TranscribeRequest) -> Transcription:
    found = await collect(checked(runner.transcribe(request), "transcribe"), Transcription)
    assert isinstance(found, Transcription)
    return found
