"""The sound of a TranscribeRequest, wherever it comes from, as one stream of PCM."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.threads import Outlet, from_thread
from breeze.runners._audio import Limit, Resampler, decode, opened, raw
from breeze.runners._live_source import listening

_READ = 65_536
"""Bytes read at once from a file of PCM."""


async def sound_of(request: TranscribeRequest, rate: int, seconds: float) -> AsyncGenerator[bytes]:
    """The request's sound as signed 16-bit mono at `rate`, as it is read, decoded or spoken.

    Audio and files are encoded, or PCM when the request has a sample rate. Raises InputError for
    sound that cannot be had, and TooLargeError beyond `seconds`. A live source is closed at the
    end if it can be.
    """
    if request.live is not None:
        pieces = _live(request.live, request.sample_rate or rate, rate, seconds)
    else:
        source = Path(request.file) if request.file else request.audio
        pieces = _stored(source, request.sample_rate, rate, seconds)
    async with aclosing(pieces):
        async for pcm in pieces:
            if pcm:
                yield pcm


async def _stored(
    source: bytes | Path, given: int | None, rate: int, seconds: float
) -> AsyncGenerator[bytes]:
    def produce(outlet: Outlet[bytes]) -> None:
        if given is None:
            pieces = decode(source, rate, seconds)
        else:
            pieces = _samples(source, given, rate, seconds)
        for pcm in pieces:
            if not outlet.send(pcm):
                return

    async with aclosing(from_thread(produce)) as pieces:
        async for pcm in pieces:
            yield pcm


def _samples(source: bytes | Path, given: int, rate: int, seconds: float) -> Iterator[bytes]:
    limit = Limit(seconds, rate, "file" if isinstance(source, Path) else "audio")
    with opened(source) as file:
        yield from raw(_read(file), given, rate, limit)


def _read(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_READ):
        yield piece


async def _live(
    source: AsyncIterable[bytes], given: int, rate: int, seconds: float
) -> AsyncGenerator[bytes]:
    resampler, limit = Resampler(given, rate), Limit(seconds, rate, "live")
    async with listening(source) as pieces:
        async for piece in pieces:
            yield limit.take(resampler.feed(piece))
        yield limit.take(resampler.finish())
