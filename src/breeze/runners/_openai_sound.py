"""The sound of a transcription as a file to send: bytes, a file, or PCM with a header."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

from breeze.contracts.errors import TooLargeError
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.wav import close_wav, wav_header
from breeze.runners._audio import opened
from breeze.runners._audio_source import sound_of
from breeze.runners._sound_file import SoundFile, file_of
from breeze.runners._sound_form import MIMES


async def sound_file(request: TranscribeRequest, limit: int) -> SoundFile:
    """The sound of `request`, `limit` bytes at most. Raises InputError and TooLargeError."""
    rate = request.sample_rate
    if request.live is not None or rate is not None:
        return await _recorded(request, rate or 16_000, limit)
    field = "file" if request.file else "audio"
    data = request.audio
    if request.file:
        data = await asyncio.to_thread(_read, Path(request.file), limit)
    if len(data) > limit:
        raise _too_large(field, limit)
    return file_of(data, request.file)


async def _recorded(request: TranscribeRequest, rate: int, limit: int) -> SoundFile:
    """PCM as WAV."""
    found = bytearray(wav_header(rate))
    async with aclosing(sound_of(request, rate, limit / (2 * rate))) as pieces:
        async for pcm in pieces:
            found += pcm
    seconds = (len(found) - len(wav_header(rate))) / (2 * rate)
    return SoundFile(close_wav(bytes(found)), "audio.wav", MIMES["wav"], seconds)


def _read(file: Path, limit: int) -> bytes:
    with opened(file) as source:
        return source.read(limit + 1)


def _too_large(field: str, limit: int) -> TooLargeError:
    return TooLargeError(
        f"{field} has more than {limit} bytes: send it in parts, compress it, or let the operator "
        "raise upload_limit.",
        field=field,
        data={"limit": limit},
    )
