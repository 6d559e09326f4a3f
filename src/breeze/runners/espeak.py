"""eSpeak NG in this process (package espeakng-loader): over 100 languages, no model to fetch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, closing
from typing import Any

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, AudioChunk, Finish, SpeakEvent
from breeze.contracts.fields import Choice
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.contracts.values import Usage, Word
from breeze.runners._audio_encode import Encoder, encoder
from breeze.runners._espeak_library import Library, Manner, open_library
from breeze.runners._espeak_parameters import CAPITALS, PUNCTUATION, EspeakParameters
from breeze.runners._espeak_speech import Piece, pieces
from breeze.runners._espeak_voices import Voice, Voices, chosen
from breeze.runners._memory import loaded

SLOWEST = 80
"""Words a minute below which the library does not go. There is no such limit upwards."""
_MODEL = "espeak-ng"


@runner(
    "espeak",
    vendor="eSpeak NG",
    kind=RunnerKind.LOCAL,
    needs=("espeakng_loader",),
    extra="local",
    concurrency=4,
    queue=64,
    default_model=_MODEL,
    ram_gb=0.03,
)
class EspeakRunner(Runner[EspeakParameters]):
    """Speech in over 100 languages by eSpeak NG, made far faster than it is spoken.

    The text is plain text whatever it looks like: neither SSML nor control characters are obeyed.
    Streams take turns sentence by sentence, as the library has one voice at a time.
    """

    def __init__(self, parameters: EspeakParameters) -> None:
        super().__init__(parameters)
        self._opened: tuple[Library, Voices] | None = None

    async def load(self, model: str) -> None:
        if model not in ("", _MODEL):
            raise NotFoundError(
                f"espeak has one model, {_MODEL}, not {model!r}: choose a voice instead.",
                field="model",
            )
        if self._opened is None:
            self._opened = await loaded(_open)

    async def unload(self) -> None:
        self._opened = None

    async def voices(self) -> tuple[Choice, ...]:
        """The voices and variations that `voice` may name."""
        return (await self._voices()).choices()

    async def _voices(self) -> Voices:
        opened = self._opened
        if opened is None:
            opened = await asyncio.to_thread(_open)
        return opened[1]

    async def models(self) -> tuple[ModelInfo, ...]:
        voices = await self._voices()
        spoken = dict.fromkeys(language for voice in voices for language in voice.languages)
        return (
            ModelInfo(
                _MODEL,
                (Capability.TTS,),
                "Formant synthesis: robotic, clear, immediate",
                languages=tuple(spoken),
                licence="GPL-3.0-or-later",
                metadata={"voices": [voice.key for voice in voices]},
            ),
        )

    async def speak(self, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        if self._opened is None:
            raise NotLoadedError("espeak is not loaded: call load first.", runner=self.info.name)
        library, voices = self._opened
        p = self.parameters_for(request)
        voice, adjusted = chosen(voices, request.voice, request.language, p.voice)
        wpm = round(p.rate * request.speed)
        for note in (*adjusted, *_unmet(request, p.rate, wpm)):
            yield note
        manner = Manner(
            voice.native, max(wpm, SLOWEST), p.pitch, p.range, p.volume, p.word_gap,
            PUNCTUATION[p.punctuation], CAPITALS[p.capitals],
        )  # fmt: skip

        def say(outlet: Outlet[SpeakEvent]) -> None:
            rate = library.sample_rate
            sound = encoder(request.format, rate, request.sample_rate, p.bitrate)
            speech = _Speech(request, voice, rate, sound, manner.wpm / p.rate)
            with self.work.stream() as work, closing(sound):
                for piece in pieces(library, request.text, manner, lambda: outlet.closed):
                    for chunk in speech.chunks(piece, p.chunk_ms):
                        work.steps += 1
                        if not outlet.send(chunk):
                            return
                for event in speech.end():
                    outlet.send(event)

        async with aclosing(from_thread(say)) as events:
            async for event in events:
                yield event


def _open() -> tuple[Library, Voices]:
    try:
        library = open_library()
    except (ImportError, OSError) as error:
        raise NotLoadedError(
            f"eSpeak NG cannot be loaded ({error}): run pip install 'breeze-engine[local]'."
        ) from error
    return library, Voices(library)


def _unmet(request: SpeakRequest, rate: int, wpm: int) -> Iterator[Adjusted]:
    if wpm < SLOWEST:
        used = round(SLOWEST / rate, 3)
        yield Adjusted("speed", request.speed, used, f"no slower than {SLOWEST} words a minute")
    if request.instructions:
        why = "this voice follows none: use the parameters pitch, range and volume"
        yield Adjusted("instructions", request.instructions, "", why)


class _Speech:
    """Turns pieces of sound into events, keeping count."""

    def __init__(
        self, request: SpeakRequest, voice: Voice, rate: int, sound: Encoder, pace: float
    ) -> None:
        self._request, self._voice, self._rate = request, voice, rate
        self._sound, self._pace = sound, pace
        self._index = self._samples = self._size = self._characters = 0
        self._waiting: tuple[Word, ...] = ()

    def chunks(self, piece: Piece, milliseconds: int) -> Iterator[AudioChunk]:
        """`piece` in chunks of that length, each with the words that begin in it."""
        words, step = piece.words, self._rate * milliseconds // 1000 * 2
        for start in range(0, len(piece.pcm), step):
            pcm = piece.pcm[start : start + step]
            self._samples += len(pcm) // 2
            until = self._samples / self._rate if start + step < len(piece.pcm) else float("inf")
            begun = sum(word.start < until for word in words)
            self._waiting, words = self._waiting + words[:begun], words[begun:]
            self._characters = words[0].offset or 0 if words else piece.end
            if data := self._sound.feed(pcm):
                yield self._chunk(data)

    def end(self) -> Iterator[SpeakEvent]:
        """What the encoder still holds, the usage and the finish."""
        self._characters = len(self._request.text)
        data = self._sound.finish()
        if data or self._waiting or not self._index:
            yield self._chunk(data)
        yield Usage(
            characters=len(self._request.text), audio_seconds=round(self._samples / self._rate, 3)
        )
        yield Finish(
            metadata={
                **self._facts(),
                "model_name": _MODEL,
                "speaking_rate": round(self._pace, 3),
                "audio_format": self._request.format,
                "audio_size_bytes": self._size,
            }
        )

    def _chunk(self, data: bytes) -> AudioChunk:
        words, self._waiting = self._waiting, ()
        index, self._index = self._index, self._index + 1
        self._size += len(data)
        return AudioChunk(
            data,
            index,
            self._sound.sample_rate,
            format=self._request.format,
            words=words,
            metadata={**self._facts(), "chunk_index": index},
        )

    def _facts(self) -> dict[str, Any]:
        done = self._characters / max(1, len(self._request.text))
        return {
            "audio_duration_ms": round(self._samples * 1000 / self._rate),
            "text_characters_processed": self._characters,
            "synthesis_progress": round(100 * done, 1),
            "voice_used": self._voice.key,
            "sample_rate": self._sound.sample_rate,
        }
