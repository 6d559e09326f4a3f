"""The sound of a request in parts that a recogniser takes whole: all of it, or its utterances."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from breeze.contracts.requests import TranscribeRequest
from breeze.runners._audio_source import sound_of
from breeze.runners._vad import RATE, Utterances

_LONGEST, _PADDING, _AGGRESSIVENESS = 28.0, 0.3, 2


class Part(NamedTuple):
    """Signed 16-bit mono PCM at 16 kHz, and where it begins in the whole, in seconds."""

    pcm: bytes
    start: float

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / RATE


async def parts_of(
    request: TranscribeRequest, seconds: float, silence: float, *, whole: bool = True
) -> AsyncGenerator[Part]:
    """A stored sound as one part; a live source utterance by utterance, each as it ends.

    `silence`: seconds that end one. Without `whole` a stored sound is cut likewise. Raises as
    `sound_of` does, for more than `seconds` too.
    """
    async with aclosing(sound_of(request, RATE, seconds)) as sound:
        if request.live is None and whole:
            yield Part(b"".join([pcm async for pcm in sound]), 0.0)
            return
        cut, heard, start = (
            Utterances(_AGGRESSIVENESS, silence, _PADDING, _LONGEST),
            bytearray(),
            0.0,
        )
        async for pcm in sound:
            for stretch in cut.feed(pcm):
                start = stretch.start if stretch.opens else start
                heard += stretch.pcm
                if stretch.closes:
                    yield Part(bytes(heard), start)
                    heard.clear()
        for stretch in cut.finish():
            heard += stretch.pcm
        if heard:
            yield Part(bytes(heard), start)
