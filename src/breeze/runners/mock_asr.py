"""`mock_asr`: a transcription from the length of the sound alone, word by word."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from pathlib import Path

from pydantic import field_validator

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import InputError
from breeze.contracts.events import TranscribeEvent, Transcript
from breeze.contracts.fields import text
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.runner import runner
from breeze.contracts.values import Usage, Word
from breeze.runners._mock import MockParameters, MockRunner, finish, lines_of, pause, pieces, unused

SAID = (
    "This is a mock transcription.",
    "Nobody listened to the sound, only its length was looked at.",
    "A longer recording gets a longer mock transcription.",
    "To read what was really said, choose a runner with a model.",
)
_BANDS = (2_000, 15_000, 30_000)
"""Bytes up to which one, two and three of the lines are said."""
_LIVE_WORD = 0.4
"""Seconds of live sound for each word."""
_GUESSED_RATE = 32_000
"""Bytes a second of a sound that is not WAV: as if it were 16 kHz PCM."""


class MockASRParameters(MockParameters):
    """What mock_asr can be told."""

    mock_transcriptions: str = text(
        "",
        "What it hears, one segment a line; empty: a few lines that say it is a mock",
        category="Content",
    )

    _lines = field_validator("mock_transcriptions", mode="before")(lines_of)

    def lines(self, size: int) -> list[str]:
        """The segments heard in `size` bytes."""
        own = [line.strip() for line in self.mock_transcriptions.splitlines() if line.strip()]
        return own or [*SAID[: 1 + sum(size >= band for band in _BANDS)]]


@runner(
    "mock_asr",
    vendor="Breeze",
    kind=RunnerKind.MOCK,
    priority=Priority.LOW,
    default_model="mock-asr-v1",
    concurrency=64,
)
class MockASRRunner(MockRunner[MockASRParameters]):
    """Makes up a transcription from the length of the sound, and says so in the text."""

    async def transcribe(self, request: TranscribeRequest) -> AsyncGenerator[TranscribeEvent]:
        model = self.model_for(request)
        p = self.parameters_for(request)
        with self.work.stream() as work:
            for note in unused(request, "a mock does not listen", "prompt", "temperature"):
                yield note
            await self.begin(request, p)
            sound = Sound(request, p)
            segment, open_words, number = 0, list[Word](), 0
            async with aclosing(sound.words()) as words:
                async for word, closes in words:
                    if number:
                        await pause(p.stream_chunk_delay_ms)
                    number += 1
                    work.steps += 1
                    open_words.append(word)
                    yield _transcript(request, open_words, segment, is_final=closes)
                    if closes:
                        segment, open_words = segment + 1, []
            if open_words or not segment:
                yield _transcript(request, open_words, segment, is_final=True)
            yield Usage(audio_seconds=sound.seconds)
            yield finish(
                model_name=model,
                audio_length_ms=round(sound.seconds * 1000),
                audio_size_bytes=sound.size,
                words_recognized=number,
            )


class Sound:
    """The sound of a request. `seconds` and `size` in bytes: what has been heard so far."""

    def __init__(self, request: TranscribeRequest, p: MockASRParameters) -> None:
        self._request = request
        self._p = p
        self.seconds = 0.0
        self.size = 0

    async def words(self) -> AsyncGenerator[tuple[Word, bool]]:
        """Each word as soon as its sound is there, and whether it closes its segment.

        Their texts keep the space before them. Raises InputError for sound that cannot be read.
        """
        request = self._request
        if request.live is not None:
            async with aclosing(self._live(request.live)) as words:
                async for live in words:
                    yield live
            return
        data = request.audio or await asyncio.to_thread(_read, request.file)
        self.size, self.seconds = len(data), _seconds(data, request.sample_rate)
        said = self._said()
        step = self.seconds / len(said)
        for i, (word, closes) in enumerate(said):
            yield Word(word, i * step, (i + 1) * step), closes

    async def _live(self, blocks: AsyncIterable[bytes]) -> AsyncGenerator[tuple[Word, bool]]:
        rate, number, said = self._request.sample_rate or 16_000, 0, self._said()
        async for block in blocks:
            self.size += len(block)
            self.seconds = self.size / 2 / rate
            while (number + 1) * _LIVE_WORD <= self.seconds:
                word, closes = said[number % len(said)]
                yield Word(word, number * _LIVE_WORD, (number + 1) * _LIVE_WORD), closes
                number += 1

    def _said(self) -> list[tuple[str, bool]]:
        lines = self._p.lines(self.size if self._request.live is None else _BANDS[-1])
        return [
            (word, i == len(words))
            for words in map(pieces, lines)
            for i, word in enumerate(words, 1)
        ]


def _transcript(
    request: TranscribeRequest, words: list[Word], segment: int, *, is_final: bool
) -> Transcript:
    timed = request.timestamps != "none" and words
    return Transcript(
        "".join(word.text for word in words).strip(),
        is_final,
        segment,
        start=words[0].start if timed else 0.0,
        end=words[-1].end if timed else 0.0,
        confidence=min(0.95, 0.7 + 0.05 * segment),
        language=request.language,
        words=tuple(_bare(word) for word in words) if request.timestamps == "word" else (),
    )


def _bare(word: Word) -> Word:
    return Word(word.text.strip(), word.start, word.end)


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"Cannot read {file}: {error.strerror}.", field="file") from error


def _seconds(data: bytes, rate: int | None) -> float:
    """How long the sound is. Raises InputError for a WAV that is broken."""
    if rate is not None:
        return len(data) / 2 / rate
    if not data.startswith(b"RIFF"):
        return len(data) / _GUESSED_RATE
    try:
        with wave.open(io.BytesIO(data)) as sound:
            block = sound.getnchannels() * sound.getsampwidth()
            frames = min(sound.getnframes(), len(data) // block)
            seconds: float = frames / sound.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError) as error:
        raise InputError(
            f"This WAV cannot be read ({error}): send PCM WAV, or raw PCM with sample_rate.",
            field="audio",
        ) from error
    return seconds
