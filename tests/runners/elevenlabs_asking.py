"""Puts the elevenlabs runner to work on its stand-in."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from breeze.contracts.answers import Speech, Transcription
from breeze.contracts.requests import SpeakRequest, TranscribeRequest
from breeze.runners._elevenlabs_parameters import ElevenLabsParameters
from breeze.runners.elevenlabs import ElevenLabsRunner
from breeze.testing.standins.elevenlabs import ElevenLabsStandin, voice_id
from tests.runners.vendor import events as events
from tests.runners.vendor import ready, whole

VOICE = voice_id(7)
MODEL, HEARS = "eleven_flash_v2_5", "scribe_v2"
TEXT = "Good morning, dear parrot."


def made(**values: Any) -> ElevenLabsRunner:
    """A runner with these parameters."""
    return ElevenLabsRunner(ElevenLabsParameters.of(values))


def running(
    vendor: ElevenLabsStandin, **values: Any
) -> AbstractAsyncContextManager[ElevenLabsRunner]:
    """A loaded runner that asks `vendor`."""
    usual = {"base_url": vendor.url, "api_key": vendor.key, "voice": VOICE}
    return ready(made(**usual | values))


def saying(text: str = TEXT, **fields: Any) -> SpeakRequest:
    return SpeakRequest(text, **fields)


def hearing(**fields: Any) -> TranscribeRequest:
    return TranscribeRequest(**{"model": HEARS, **fields})


async def spoken(runner: ElevenLabsRunner, request: SpeakRequest) -> Speech:
    found = await whole(runner, request)
    assert isinstance(found, Speech)
    return found


async def heard(runner: ElevenLabsRunner, request: TranscribeRequest) -> Transcription:
    found = await whole(runner, request)
    assert isinstance(found, Transcription)
    return found
