"""Sound as events: made into the format asked for, counted, and ended."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import AudioChunk, Finish, SpeakEvent
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.values import Usage, Word
from breeze.runners._audio_encode import Encoder, encoder
from breeze.runners._elevenlabs_format import Sound
from breeze.runners._http_answer import Answer

_COST = "character-cost"
_PLAIN = ("wav", "pcm")


def _is_slow(sound: Sound) -> bool:
    """Whether the sound is more than passed on."""
    return sound.made and (sound.format not in _PLAIN or sound.rate not in (None, sound.source))


class Speaking:
    """The events of one request to speak. `facts`: metadata of its end."""

    def __init__(
        self,
        request: SpeakRequest,
        sound: Sound,
        encoder: Encoder | None,
        facts: dict[str, Any],
        tells_words: bool,
    ) -> None:
        self._request, self._sound, self._facts = request, sound, facts
        self._tells_words = tells_words
        self._encoder = encoder
        self._rate = encoder.sample_rate if encoder is not None else sound.source
        self._slow = _is_slow(sound)
        self._half = b""
        self._index = self._size = self._read = 0
        self._words: tuple[Word, ...] = ()
        self._seconds = 0.0

    @classmethod
    async def begin(
        cls,
        request: SpeakRequest,
        sound: Sound,
        bitrate: int,
        facts: dict[str, Any],
        *,
        tells_words: bool,
    ) -> Self:
        """Ready for the first piece. Raises InputError for what the format cannot be."""
        made: Encoder | None = None
        if sound.made:
            wanted = (sound.format, sound.source, sound.rate, bitrate)
            # The library behind the slow ones takes a while to load.
            made = (
                await asyncio.to_thread(encoder, *wanted) if _is_slow(sound) else encoder(*wanted)
            )
        return cls(request, sound, made, facts, tells_words)

    async def take(self, data: bytes, words: tuple[Word, ...]) -> list[SpeakEvent]:
        """The events for what came. Encoding that takes a while is done in a thread."""
        self._read += len(data)
        self._words += words if self._tells_words else ()
        if self._sound.bits:
            self._seconds = self._read * 8 / self._sound.bits
        else:  # then only words tell how long it is
            self._seconds = max([self._seconds, *(word.end for word in words)])
        made = await self._made(data) if self._encoder is not None else data
        return [self._chunk(made)] if made else []

    async def _made(self, data: bytes) -> bytes:
        assert self._encoder is not None
        data = self._half + data
        even = len(data) & ~1  # a sample may be split between two pieces
        data, self._half = data[:even], data[even:]
        if self._slow:
            return await asyncio.to_thread(self._encoder.feed, data)
        return self._encoder.feed(data)

    async def end(self, answer: Answer, *, verified: bool) -> list[SpeakEvent]:
        """What the encoder still holds, the usage and the finish. `verified`: it is all there.

        Raises ProcessingError when there was no sound at all, or it ends amid a sample.
        """
        if not self._read:
            raise ProcessingError(f"{answer.where} sent no sound.", detail="malformed")
        if self._half:
            why = f"{answer.where} ended its sound amid a sample. Send the request again."
            raise ProcessingError(why, detail="cut")
        rest = b""
        if self._encoder is not None:
            rest = (
                await asyncio.to_thread(self._encoder.finish)
                if self._slow
                else self._encoder.finish()
            )
        chunks = [self._chunk(rest)] if rest or self._words else []
        told = answer.header(_COST)
        cost = int(told) if told.isascii() and told.isdecimal() else len(self._request.text)
        seconds = round(self._seconds, 3)
        return [
            *chunks,
            Usage(characters=cost, audio_seconds=seconds),
            Finish(metadata={**self._ending(seconds), "end_verified": verified}),
        ]

    def _ending(self, seconds: float) -> dict[str, Any]:
        known = {"audio_duration_ms": round(seconds * 1000)} if seconds else {}
        return {
            **known,
            **self._facts,
            "text_characters_processed": len(self._request.text),
            "synthesis_progress": 100.0,
            "sample_rate": self._rate,
            "audio_format": self._sound.format,
            "audio_size_bytes": self._size,
        }

    def _chunk(self, data: bytes) -> AudioChunk:
        words, self._words = self._words, ()
        index, self._index = self._index, self._index + 1
        self._size += len(data)
        return AudioChunk(data, index, self._rate, format=self._sound.format, words=words)
