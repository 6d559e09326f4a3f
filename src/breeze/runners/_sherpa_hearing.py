"""One stream of sound being heard: word by word, or utterance by utterance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from breeze.contracts.events import Transcript
from breeze.contracts.values import Word
from breeze.runners._sherpa_model import RATE, Recogniser
from breeze.runners._vad import Utterances

_PADDING, _AGGRESSIVENESS, _TAIL = 0.3, 2, 0.6
_WINDOW = 512
"""Samples that the voice activity model judges at once."""
_BEGIN = (" ", "\u2581")
"""How a token begins that begins a word."""


class Hearing(ABC):
    """Sound in, transcripts out. `timestamps`: none, segment or word."""

    def __init__(self, recogniser: Recogniser, timestamps: str) -> None:
        self._recogniser, self._timestamps = recogniser, timestamps
        self._native = recogniser.native
        self._segment = self._samples = self.words = 0

    @property
    def seconds(self) -> float:
        """Sound heard so far."""
        return self._samples / RATE

    def hear(self, pcm: bytes) -> list[Transcript]:
        """What the next sound brings. Blocks."""
        self._samples += len(pcm) // 2
        return list(self._heard(pcm))

    def finish(self) -> list[Transcript]:
        """The end of the sound."""
        return list(self._finished())

    @abstractmethod
    def _heard(self, pcm: bytes) -> Iterator[Transcript]: ...

    @abstractmethod
    def _finished(self) -> Iterator[Transcript]: ...

    def _transcript(
        self, text: str, tokens: list[str], times: list[float], start: float, final: bool
    ) -> Transcript:
        words, timed = _words(tokens, times, start, self.seconds), self._timestamps != "none"
        count = len(words) or len(text.split())
        index = self._segment
        if final:
            self._segment, self.words = index + 1, self.words + count
        return Transcript(
            text,
            final,
            index,
            start=(words[0].start if words else start) if timed else 0.0,
            end=(words[-1].end if words else self.seconds) if timed else 0.0,
            language=self._recogniser.language,
            words=words if self._timestamps == "word" else (),
            metadata={
                "is_final": final,
                "segment_index": index,
                "audio_duration_processed_ms": round(self.seconds * 1000),
                "words_recognized": self.words + (0 if final else count),
            },
        )


class Streaming(Hearing):
    """By a model that listens while somebody speaks."""

    def __init__(self, recogniser: Recogniser, timestamps: str) -> None:
        super().__init__(recogniser, timestamps)
        self._stream: Any = self._native.create_stream()
        self._shown, self._start = "", 0.0

    def _heard(self, pcm: bytes) -> Iterator[Transcript]:
        self._stream.accept_waveform(RATE, _floats(pcm))
        yield from self._decoded(end=False)

    def _finished(self) -> Iterator[Transcript]:
        self._stream.accept_waveform(RATE, _floats(bytes(int(_TAIL * RATE) * 2)))
        self._stream.input_finished()
        yield from self._decoded(end=True)

    def _decoded(self, *, end: bool) -> Iterator[Transcript]:
        while self._native.is_ready(self._stream):
            self._native.decode_stream(self._stream)
        text = str(self._native.get_result(self._stream)).strip()
        final = end or bool(self._native.is_endpoint(self._stream))
        if text != self._shown or (final and text):
            self._shown = text
            yield self._told(text, final)
        if final and not end:
            self._native.reset(self._stream)
            self._shown, self._start = "", self.seconds

    def _told(self, text: str, final: bool) -> Transcript:
        tokens, times = self._native.tokens(self._stream), self._native.timestamps(self._stream)
        return self._transcript(text, list(tokens), list(times), self._start, final)


class Offline(Hearing):
    """By a model that takes whole utterances."""

    def __init__(self, recogniser: Recogniser, timestamps: str) -> None:
        super().__init__(recogniser, timestamps)
        self._activity = recogniser.activity()
        silence, longest = recogniser.silence, recogniser.longest
        self._cut = Utterances(_AGGRESSIVENESS, silence, _PADDING, longest)
        self._open, self._start = bytearray(), 0.0
        self._rest = b""

    def _heard(self, pcm: bytes) -> Iterator[Transcript]:
        if self._activity is None:
            for stretch in self._cut.feed(pcm):
                self._start = stretch.start if stretch.opens else self._start
                self._open += stretch.pcm
                if stretch.closes:
                    yield from self._close()
            return
        self._rest += pcm
        step = _WINDOW * 2
        whole = len(self._rest) - len(self._rest) % step
        for at in range(0, whole, step):
            self._activity.accept_waveform(_floats(self._rest[at : at + step]))
        self._rest = self._rest[whole:]
        yield from self._spoken()

    def _finished(self) -> Iterator[Transcript]:
        if self._activity is not None:
            self._activity.flush()
            yield from self._spoken()
            return
        for stretch in self._cut.finish():
            self._open += stretch.pcm
        yield from self._close()

    def _spoken(self) -> Iterator[Transcript]:
        """What the voice activity model found complete."""
        while not self._activity.empty():
            speech = self._activity.front
            yield from self._decoded(speech.samples, speech.start / RATE)
            self._activity.pop()

    def _close(self) -> Iterator[Transcript]:
        if self._open:
            yield from self._decoded(_floats(bytes(self._open)), self._start)
            self._open.clear()

    def _decoded(self, samples: Any, start: float) -> Iterator[Transcript]:
        stream = self._native.create_stream()
        stream.accept_waveform(RATE, samples)
        self._native.decode_stream(stream)
        result = stream.result
        if text := str(result.text).strip():
            yield self._transcript(text, list(result.tokens), list(result.timestamps), start, True)


def _floats(pcm: bytes) -> Any:
    import numpy

    return numpy.frombuffer(pcm, dtype="<i2").astype(numpy.float32) / 32_768


def _words(tokens: list[str], times: list[float], start: float, end: float) -> tuple[Word, ...]:
    """Tokens put together to words; one ends where the next begins."""
    if len(tokens) != len(times):
        return ()
    begun: list[tuple[str, float]] = []
    for token, at in zip(tokens, times, strict=True):
        if token.startswith(_BEGIN) or not begun:
            begun.append((token.lstrip(" \u2581"), at))
        else:
            begun[-1] = (begun[-1][0] + token, begun[-1][1])
    ends = [at for _, at in begun[1:]] + [max(end - start, begun[-1][1])] if begun else []
    return tuple(
        Word(text, round(start + at, 3), round(start + until, 3))
        for (text, at), until in zip(begun, ends, strict=True)
        if text
    )
