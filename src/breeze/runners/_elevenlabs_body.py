"""What is sent for a text to speak, and what had to be adjusted on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from breeze.contracts.events import Adjusted
from breeze.contracts.requests import SpeakRequest
from breeze.runners._elevenlabs_lists import dictionaries

if TYPE_CHECKING:
    from breeze.runners._elevenlabs_parameters import ElevenLabsParameters

SLOWEST, FASTEST = 0.7, 1.2
_BOOST = {"on": True, "off": False}


def speak_body(
    request: SpeakRequest, model: str, parameters: ElevenLabsParameters
) -> tuple[dict[str, Any], list[Adjusted]]:
    """The body of a request to speak, and what of the request is not in it.

    Without a `model` the vendor takes its own usual one.
    """
    notes: list[Adjusted] = []
    p = parameters
    asked: dict[str, Any] = {
        "text": request.text,
        "model_id": model or None,
        "language_code": primary(request.language) or None,
        "voice_settings": _settings(request, p, notes) or None,
        "seed": p.seed,
        "previous_text": p.previous_text or None,
        "next_text": p.next_text or None,
        "pronunciation_dictionary_locators": dictionaries(p.pronunciation) or None,
        "apply_text_normalization": None if p.normalization == "auto" else p.normalization,
    }
    if request.instructions:
        why = "this voice follows none: use the parameters stability and style"
        notes.append(Adjusted("instructions", request.instructions, "", why))
    return {name: value for name, value in asked.items() if value is not None}, notes


def _settings(
    request: SpeakRequest, p: ElevenLabsParameters, notes: list[Adjusted]
) -> dict[str, Any]:
    """Settings of the voice; what nobody set is as the voice has it."""
    asked: dict[str, Any] = {
        "stability": p.stability,
        "similarity_boost": p.similarity_boost,
        "style": p.style,
        "use_speaker_boost": _BOOST.get(p.speaker_boost),
    }
    if request.speed != 1.0:
        asked["speed"] = speed = min(max(request.speed, SLOWEST), FASTEST)
        if speed != request.speed:
            why = f"the vendor speaks at {SLOWEST} to {FASTEST} times the usual speed"
            notes.append(Adjusted("speed", request.speed, speed, why))
    return {name: value for name, value in asked.items() if value is not None}


def primary(language: str) -> str:
    """The language of a tag: `en` of `en-US`."""
    return language.replace("_", "-").partition("-")[0].lower()
