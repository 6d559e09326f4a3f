"""From sound to transcripts: one stream of PCM, its utterances, and what was heard of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from breeze.contracts.events import Transcript
from breeze.contracts.values import Word
from breeze.runners._pocketsphinx_ear import RATE, Ear
from breeze.runners._vad import Stretch, Utterances

ENOUGH = 2.0
"""Seconds of a new voice after which its mean is known well enough."""


class Manner(NamedTuple):
    """How transcripts are given."""

    language: str
    timestamps: Literal["none", "segment", "word"]


class Hearing:
    """Hears one stream with an ear that is open to it alone."""

    def __init__(self, ear: Ear, utterances: Utterances, manner: Manner) -> None:
        self._ear, self._utterances, self._manner = ear, utterances, manner
        self.stopped = False
        self.samples = 0
        self.confidences: list[float] = []
        self._segment = 0
        self._start = 0.0
        self._shown = ""
        self._listening = False
        self._voice: bytearray | None = bytearray()

    @property
    def seconds(self) -> float:
        """Length of the sound so far."""
        return self.samples / RATE

    def stop(self) -> None:
        """Give up; may be called from another thread."""
        self.stopped = True

    def summary(self) -> dict[str, Any]:
        """Metadata of the whole."""
        length = round(self.seconds * 1000)
        facts = {"audio_length_ms": length, "language_detected": self._manner.language}
        return {**facts, "words_recognized": len(self.confidences), **self._overall()}

    def hear(self, pcm: bytes) -> list[Transcript]:
        """The transcripts that the next sound brings: ends of segments, then the open one."""
        self.samples += len(pcm) // 2
        found = [*self._follow(self._utterances.feed(pcm))]
        if self._listening and not self.stopped:
            found += self._partial()
        return found

    def finish(self) -> list[Transcript]:
        """The end of the sound: closes the open segment."""
        return [*self._follow(self._utterances.finish())]

    def _follow(self, stretches: Iterator[Stretch]) -> Iterator[Transcript]:
        for stretch in stretches:
            if self.stopped:
                return
            if stretch.opens:
                self._ear.open()
                self._start, self._listening = stretch.start, True
            self._ear.hear(stretch.pcm, self._is_stopped)
            self._learn(stretch)
            if stretch.closes and not self.stopped:
                self._ear.close()
                self._listening = False
                yield from self._final()

    def _is_stopped(self) -> bool:
        return self.stopped

    def _learn(self, stretch: Stretch) -> None:
        """Adapt to the voice, once a stream, as soon as enough of it was heard."""
        if self._voice is None:
            return
        self._voice += stretch.pcm
        if stretch.closes or len(self._voice) >= ENOUGH * RATE * 2:
            self._ear.adapt(bytes(self._voice), self._is_stopped)
            self._voice = None

    def _partial(self) -> Iterator[Transcript]:
        words = self._ear.words(self._start)
        text = " ".join(word.text for word in words)
        if text != self._shown:
            self._shown = text
            yield self._transcript(text, words, None)

    def _final(self) -> Iterator[Transcript]:
        """What the segment was; nothing if nothing was heard and nothing has been shown."""
        words, shown, self._shown = self._ear.words(self._start), self._shown, ""
        if not words and not shown:
            return
        sure = [word.confidence or 0.0 for word in words]
        self.confidences += sure
        text = " ".join(word.text for word in words)
        yield self._transcript(text, words, sum(sure) / len(sure) if sure else 0.0)
        self._segment += 1

    def _transcript(
        self, text: str, words: tuple[Word, ...], confidence: float | None
    ) -> Transcript:
        final, timed = confidence is not None, self._manner.timestamps != "none"
        return Transcript(
            text,
            final,
            self._segment,
            start=(words[0].start if words else self._start) if timed else 0.0,
            end=(words[-1].end if words else self._start) if timed else 0.0,
            confidence=None if confidence is None else round(confidence, 3),
            language=self._manner.language,
            words=words if self._manner.timestamps == "word" else (),
            metadata=self._facts(final, len(words)),
        )

    def _facts(self, final: bool, words: int) -> dict[str, Any]:
        return {
            "is_final": final,
            "segment_index": self._segment,
            "audio_duration_processed_ms": round(self.seconds * 1000),
            "words_recognized": len(self.confidences) + (0 if final else words),
            "language_detected": self._manner.language,
            **self._overall(),
        }

    def _overall(self) -> dict[str, Any]:
        known = self.confidences
        return {"overall_confidence": round(sum(known) / len(known), 3)} if known else {}
