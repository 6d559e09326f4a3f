"""Recognition and embeddings: what is sent, and what JSON comes back."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import (
    Adjusted,
    Embedding,
    EmbedEvent,
    Finish,
    TranscribeEvent,
    Transcript,
)
from breeze.contracts.requests import EmbedRequest, TranscribeRequest
from breeze.contracts.values import Usage
from breeze.runners._http import JSON
from breeze.runners._http_json import encoded
from breeze.runners._json_answer import json_answer
from breeze.runners._sound_file import SoundFile

_USUAL = TranscribeRequest(audio=b"-")


class _Chunk(msgspec.Struct):
    """One stretch of speech. The end of the last one may be missing."""

    text: str = ""
    timestamp: tuple[float | None, float | None] = (None, None)


class _Heard(msgspec.Struct):
    """What was heard."""

    text: str
    chunks: list[_Chunk] | None = None


def hearing_body(request: TranscribeRequest, sound: SoundFile, *, times: bool) -> tuple[bytes, str]:
    """Body and type: the sound as it is, or JSON where something is asked of it."""
    parameters: dict[str, Any] = {"return_timestamps": True} if times else {}
    if request.temperature is not None:
        parameters["generation_parameters"] = {"temperature": request.temperature}
    if not parameters:
        return sound.data, sound.mime
    inputs = base64.b64encode(sound.data).decode()
    return encoded({"inputs": inputs, "parameters": parameters}, "audio"), JSON


def unheard(request: TranscribeRequest, *, times: bool) -> Iterator[Adjusted]:
    """What of the request the service has no field for."""
    if request.timestamps != "none":
        given = "segment" if times else "none"
        if given != request.timestamps:
            why = "the service tells the times of segments" if times else "the model tells no times"
            yield Adjusted("timestamps", request.timestamps, given, why)
    if request.language != _USUAL.language:
        yield Adjusted("language", request.language, "auto", "the model finds it out by itself")
    if request.prompt:
        yield Adjusted("prompt", request.prompt, "", "the service takes none")


def heard(body: bytes, where: str, seconds: float, model: str) -> Iterator[TranscribeEvent]:
    """The events of an answer. Raises ProcessingError when it is none."""
    found = json_answer(body, _Heard, where, "transcription")
    chunks = found.chunks or [_Chunk(found.text, (0.0, seconds))]
    end = 0.0
    for place, chunk in enumerate(chunks):
        start = max(0.0, chunk.timestamp[0] if chunk.timestamp[0] is not None else end)
        end = max(start, chunk.timestamp[1] if chunk.timestamp[1] is not None else seconds)
        yield Transcript(chunk.text.strip(), True, place, start, end)
    yield Usage(audio_seconds=max(seconds, end))
    yield Finish(metadata={"model_name": model} if model else None)


def vectors_body(request: EmbedRequest) -> bytes:
    """What to send for embeddings: parameters stand beside the inputs."""
    body: dict[str, Any] = {"inputs": request.texts}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return encoded(body, "texts")


def vectors(body: bytes, request: EmbedRequest, where: str, model: str) -> Iterator[EmbedEvent]:
    """A vector for each text; those of tokens are averaged. Raises ProcessingError."""
    found = json_answer(body, list[Any], where, "vectors")
    if found and all(isinstance(number, int | float) for number in found):
        found = [found]  # one text may come without its list
    if len(found) != len(request.texts):
        raise _malformed(where, "vectors", f"{len(found)} for {len(request.texts)} texts")
    try:
        rows = [_row(each) for each in found]
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise _malformed(where, "vectors", str(error)) from error
    wanted = request.dimensions
    if wanted is not None and rows and len(rows[0]) != wanted:
        why = "the model has vectors of another length"
        yield Adjusted("dimensions", wanted, len(rows[0]), why)
    for i, row in enumerate(rows):
        yield Embedding.of(i, row)
    yield Usage()
    yield Finish(metadata={"model_name": model} if model else None)


def _row(value: Any) -> list[float]:
    """One vector: numbers, or the mean of the vectors of its tokens."""
    if not isinstance(value, list) or not value:
        raise TypeError("one of them is no list of numbers")
    if not isinstance(value[0], list):
        return [float(number) for number in value]
    rows = [_row(each) for each in value]
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def _malformed(where: str, what: str, why: str) -> ProcessingError:
    return ProcessingError(f"{where} sent no {what} ({why}).", detail="malformed")
