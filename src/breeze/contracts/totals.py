"""What the events of speech, hearing, pictures, vectors and verdicts add up to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from breeze.contracts.answers import (
    Answer,
    Embeddings,
    FailedPicture,
    Moderation,
    Picture,
    Pictures,
    Segment,
    Speech,
    Transcription,
)
from breeze.contracts.events import (
    AnyEvent,
    AudioChunk,
    Embedding,
    ImageFailed,
    ImageReady,
    Transcript,
    Verdict,
)
from breeze.contracts.wav import WAV_HEADER, close_wav


def _transcription(events: list[AnyEvent]) -> dict[str, Any]:
    finals = [e for e in events if isinstance(e, Transcript) and e.is_final]
    return {
        "text": " ".join(e.text for e in finals if e.text),
        "segments": tuple(Segment(e.text, e.start, e.end, e.confidence, e.words) for e in finals),
        "language": next((e.language for e in finals if e.language), ""),
        "duration": max((e.end for e in events if isinstance(e, Transcript)), default=0.0),
    }


def _speech(events: list[AnyEvent]) -> dict[str, Any]:
    chunks = [e for e in events if isinstance(e, AudioChunk)]
    if not chunks:
        return {}
    first = chunks[0]
    audio = b"".join(chunk.data for chunk in chunks)
    if first.format == "wav":
        audio = close_wav(audio)
    rate = first.sample_rate * first.channels * 2
    header = WAV_HEADER if first.format == "wav" else 0
    known = first.format in ("pcm", "wav") and rate
    return {
        "audio": audio,
        "format": first.format,
        "sample_rate": first.sample_rate,
        "channels": first.channels,
        "duration": max(0, len(audio) - header) / rate if known else 0.0,
        "words": tuple(word for chunk in chunks for word in chunk.words),
    }


def _moderation(events: list[AnyEvent]) -> dict[str, Any]:
    last = events[-1] if events else None
    if not isinstance(last, Verdict):
        return {}
    return {
        name: getattr(last, name)
        for name in ("status", "risk", "categories", "action", "filtered_text", "findings")
    }


def _pictures(events: list[AnyEvent]) -> dict[str, Any]:
    return {
        "images": tuple(
            Picture(e.data, e.mime, e.width, e.height, e.seed, e.cost, e.prompt, e.file, e.url)
            for e in events
            if isinstance(e, ImageReady)
        ),
        "failures": tuple(
            FailedPicture(e.error, e.prompt, e.number) for e in events if isinstance(e, ImageFailed)
        ),
    }


def _embeddings(events: list[AnyEvent]) -> dict[str, Any]:
    return {"vectors": tuple(e.vector for e in events if isinstance(e, Embedding))}


SPECIFIC: dict[type[Answer], Callable[[list[AnyEvent]], dict[str, Any]]] = {
    Transcription: _transcription,
    Speech: _speech,
    Moderation: _moderation,
    Pictures: _pictures,
    Embeddings: _embeddings,
}
"""What the events of each answer add up to, as its fields. A chat is added up as it comes."""
