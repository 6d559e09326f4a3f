"""The sound to be heard, as a form."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

from breeze.contracts.errors import TooLargeError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.wav import close_wav, wav_header
from breeze.runners._audio import opened
from breeze.runners._audio_source import sound_of
from breeze.runners._elevenlabs_body import primary
from breeze.runners._elevenlabs_lists import keyterms
from breeze.runners._elevenlabs_parameters import ElevenLabsParameters
from breeze.runners._http_multipart import Part

_MB = 1_000_000
_KINDS = (
    (b"RIFF", "wav", "audio/wav"), (b"fLaC", "flac", "audio/flac"), (b"OggS", "ogg", "audio/ogg"),
    (b"ID3", "mp3", "audio/mpeg"), (b"\xff\xfb", "mp3", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "webm", "audio/webm"),
)  # fmt: skip
_UNKNOWN = ("bin", "application/octet-stream")


def form_parts(
    request: TranscribeRequest, model: str, parameters: ElevenLabsParameters, sound: Part
) -> tuple[list[Part], list[Adjusted]]:
    """The fields of the form, and what of the request is not in it."""
    p = parameters
    times = "none" if request.timestamps == "none" else "word"
    fields: list[tuple[str, object]] = [
        ("model_id", model),
        ("language_code", primary(request.language) or None),
        ("tag_audio_events", p.audio_events),
        ("num_speakers", p.speakers),
        ("timestamps_granularity", times),
        ("diarize", True if p.diarize else None),
        ("temperature", request.temperature),
        ("seed", p.seed),
        *(("keyterms", term) for term in keyterms(p.keyterms)),
    ]
    notes = []
    if request.prompt:
        why = "the vendor takes no prompt: use the parameter keyterms"
        notes.append(Adjusted("prompt", request.prompt, "", why))
    return [Part(name, _text(v)) for name, v in fields if v is not None] + [sound], notes


def _text(value: object) -> bytes:
    return (str(value).lower() if isinstance(value, bool) else str(value)).encode()


async def sound_part(request: TranscribeRequest, max_mb: int) -> Part:
    """The sound as a file of the form: PCM becomes WAV, all else goes as it is.

    Raises InputError for sound that cannot be had, TooLargeError beyond `max_mb`.
    """
    limit = max_mb * _MB
    if request.sample_rate is not None:
        return Part(
            "file", await _wav(request, request.sample_rate, limit), "sound.wav", "audio/wav"
        )
    if not request.file:
        return _file(_checked(request.audio, limit, "audio"), "sound")
    path = Path(request.file)
    data = await asyncio.to_thread(_read, path, limit)
    return _file(_checked(data, limit, "file"), path.stem, path.suffix)


async def _wav(request: TranscribeRequest, rate: int, limit: int) -> bytes:
    """PCM, live or stored, with a header in front."""
    sound = [wav_header(rate)]
    async with aclosing(sound_of(request, rate, limit / rate / 2)) as pieces:
        async for piece in pieces:
            sound.append(piece)
    return close_wav(b"".join(sound))


def _read(path: Path, limit: int) -> bytes:
    with opened(path) as file:
        return file.read(limit + 1)


def _checked(data: bytes, limit: int, field: str) -> bytes:
    if len(data) > limit:
        raise TooLargeError(
            f"The sound is larger than {limit // _MB} MB: send it in shorter parts, or let the "
            "operator raise max_mb.",
            field=field,
            data={"limit": limit},
        )
    return data


def _file(data: bytes, name: str, ending: str = "") -> Part:
    ends, mime = next(((e, m) for magic, e, m in _KINDS if data.startswith(magic)), _UNKNOWN)
    return Part("file", data, name + (ending or f".{ends}"), mime)
