"""The sound of a request as one piece of bytes, for those that take nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from pathlib import Path

from breeze.contracts.errors import InputError, TooLargeError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.wav import close_wav, wav_header
from breeze.runners._live_source import listening
from breeze.runners._sound_file import SoundFile, file_of


async def whole_sound(request: TranscribeRequest, most: int) -> bytes:
    """Its bytes as given: an encoded file, or PCM when the request has a sample rate.

    A live source is heard to its end. Raises InputError for what cannot be had, TooLargeError for
    more than `most` bytes.
    """
    if request.live is not None:
        return await _heard(request.live, most)
    if request.file:
        return await _file(Path(request.file), most)
    if len(request.audio) > most:
        raise _too_long("audio", most)
    return request.audio


async def sound_file(request: TranscribeRequest, most: int) -> SoundFile:
    """The sound as a file: encoded as it was given, PCM as WAV. Raises as `whole_sound` does."""
    data = await whole_sound(request, most)
    if request.sample_rate is not None:
        data = close_wav(wav_header(request.sample_rate) + data)
    return file_of(data, request.file)


def heard_first() -> Adjusted:
    """What to say of a live source that is sent as a whole."""
    why = "the server is sent the whole recording, so the answer begins when it has ended"
    return Adjusted("live", "live", "audio", why)


async def _file(path: Path, most: int) -> bytes:
    try:
        if (await asyncio.to_thread(path.stat)).st_size > most:
            raise _too_long("file", most)
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", field="file") from error


async def _heard(live: AsyncIterable[bytes], most: int) -> bytes:
    """All that a live source gives; it is closed at the end if it can be."""
    heard = bytearray()
    async with listening(live) as pieces:
        async for piece in pieces:
            heard += piece
            if len(heard) > most:
                raise _too_long("live", most)
    if not heard:
        raise InputError("The live source gave no sound.", field="live")
    return bytes(heard)


def _too_long(field: str, most: int) -> TooLargeError:
    return TooLargeError(
        f"{field}: {most // 1024**2} MiB of sound are the most that the server takes. Send less.",
        field=field,
        data={"limit": most},
    )
