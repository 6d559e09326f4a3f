"""OpenAI's speech: what is asked as our type, and the events of its SSE stream."""

from __future__ import annotations

import base64
from typing import Any, Literal

import msgspec

from breeze.contracts.dialects.openai_json import BreezeJson
from breeze.contracts.dialects.openai_message_json import Strict
from breeze.contracts.errors import InputError
from breeze.contracts.request import AUTO
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.strict import read_strict
from breeze.contracts.values import Usage

PCM_RATE = 24_000
"""Samples a second of the format pcm."""


class VoiceJson(Strict):
    """A voice by its id."""

    id: str


class SpeechJson(Strict):
    """A speech request."""

    input: str
    model: str = AUTO
    voice: str | VoiceJson = ""
    instructions: str | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float = 1.0
    stream_format: Literal["audio", "sse"] = "audio"
    breeze: BreezeJson | None = None


def speech_from_json(body: dict[str, Any]) -> tuple[SpeakRequest, bool]:
    """The request that a body asks for, and whether the answer is to be SSE events.

    Raises InputError with the field's path.
    """
    read = read_strict(body, SpeechJson)
    if not read.input.strip():
        raise InputError("input is empty: give some text to say.", field="input")
    ours = msgspec.structs.asdict(read.breeze) if read.breeze is not None else {}
    request = SpeakRequest(
        text=read.input,
        model=read.model,
        voice=read.voice if isinstance(read.voice, str) else read.voice.id,
        speed=read.speed,
        format=read.response_format,
        sample_rate=PCM_RATE if read.response_format == "pcm" else None,
        instructions=read.instructions or "",
        **ours,
    )
    return request, read.stream_format == "sse"


def delta_json(audio: bytes) -> dict[str, Any]:
    """The next bytes of the sound."""
    return {"type": "speech.audio.delta", "audio": base64.b64encode(audio).decode()}


def done_json(usage: Usage | None, adjustments: list[Any]) -> dict[str, Any]:
    """The end. Tokens are 0 for voices that count none; our own figures stand beside them."""
    used = usage or Usage()
    figures = {"characters": used.characters, "audio_seconds": used.audio_seconds}
    return {
        "type": "speech.audio.done",
        "usage": {
            "input_tokens": used.prompt_tokens,
            "output_tokens": used.completion_tokens,
            "total_tokens": used.total_tokens,
        },
        "breeze": {**figures, "adjustments": adjustments},
    }
