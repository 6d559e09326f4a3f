"""Speech that is made sentence by sentence: sound in, events out, stopped when nobody listens."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, NamedTuple, Protocol

from breeze.contracts.events import AudioChunk, Finish, SpeakEvent
from breeze.contracts.requests import SpeakRequest
from breeze.contracts.threads import Outlet
from breeze.contracts.values import Usage
from breeze.contracts.work import Work
from breeze.runners._audio_encode import Encoder, encoder
from breeze.runners._sentences import Sentence, sentences


class Form(Protocol):
    """Milliseconds of sound in one event, and kbit/s of mp3, opus and aac."""

    @property
    def chunk_ms(self) -> int: ...

    @property
    def bitrate(self) -> int: ...


class Voice(NamedTuple):
    """Who speaks: its name, its model, its usual Hz, and its pace (1 is its own)."""

    name: str
    model: str
    rate: int
    pace: float = 1.0


Say = Callable[[str], Generator[tuple[int, bytes]]]
"""A sentence as pieces of sound: Hz, and signed 16-bit mono. All of a stream in one rate."""


def speak_all(
    request: SpeakRequest, voice: Voice, form: Form, say: Say, work: Work
) -> Callable[[Outlet[SpeakEvent]], None]:
    """What speaks the text of `request` into an outlet; it blocks and belongs in a thread."""

    def produce(outlet: Outlet[SpeakEvent]) -> None:
        speech = Speech(request, voice, form)
        with work.stream(), closing(speech):
            for sentence in sentences(request.text):
                with closing(say(sentence.text)) as sounds:
                    for rate, pcm in sounds:
                        for chunk in speech.chunks(sentence, rate, pcm):
                            work.steps += 1
                            if not outlet.send(chunk):
                                return
                if outlet.closed:
                    return
            for event in speech.end():
                outlet.send(event)

    return produce


class Speech:
    """Turns sound into events, keeping count."""

    def __init__(self, request: SpeakRequest, voice: Voice, form: Form) -> None:
        self._request, self._voice, self._form = request, voice, form
        self._rate = voice.rate
        self._sound: Encoder | None = None
        self._index = self._samples = self._size = self._characters = self._said = 0

    def chunks(self, sentence: Sentence, rate: int, pcm: bytes) -> Iterator[AudioChunk]:
        """Sound of `sentence` in chunks of the length that was asked for."""
        self._said, self._characters = sentence.number + 1, sentence.end
        sound = self._encoder(rate)
        step = max(1, self._rate * self._form.chunk_ms // 1000) * 2
        for start in range(0, len(pcm), step):
            part = pcm[start : start + step]
            self._samples += len(part) // 2
            if data := sound.feed(part):
                yield self._chunk(data, sound.sample_rate, sentence)

    def end(self) -> Iterator[SpeakEvent]:
        """What the encoder still holds, the usage and the finish."""
        sound, self._characters = self._encoder(self._rate), len(self._request.text)
        data = sound.finish()
        if data or not self._index:
            yield self._chunk(data, sound.sample_rate, None)
        seconds = round(self._samples / self._rate, 3)
        yield Usage(characters=len(self._request.text), audio_seconds=seconds)
        more = {
            "model_name": self._voice.model,
            "speaking_rate": round(self._voice.pace, 3),
            "audio_format": self._request.format,
            "audio_size_bytes": self._size,
            "total_sentences": self._said,
        }
        yield Finish(metadata=self._facts(sound.sample_rate) | more)

    def close(self) -> None:
        """Free the encoder."""
        if self._sound is not None:
            self._sound.close()

    def _encoder(self, rate: int) -> Encoder:
        if self._sound is None:
            self._rate, asked = rate, self._request.sample_rate
            self._sound = encoder(self._request.format, rate, asked, self._form.bitrate)
        return self._sound

    def _chunk(self, data: bytes, rate: int, sentence: Sentence | None) -> AudioChunk:
        index, self._index = self._index, self._index + 1
        self._size += len(data)
        facts = self._facts(rate) | {"chunk_index": index}
        if sentence is not None:
            facts |= {"sentence_index": sentence.number, "sentence_text": sentence.text}
        return AudioChunk(data, index, rate, format=self._request.format, metadata=facts)

    def _facts(self, rate: int) -> dict[str, Any]:
        done = self._characters / max(1, len(self._request.text))
        return {
            "audio_duration_ms": round(self._samples * 1000 / self._rate),
            "text_characters_processed": self._characters,
            "synthesis_progress": round(100 * done, 1),
            "voice_used": self._voice.name,
            "sample_rate": rate,
        }
