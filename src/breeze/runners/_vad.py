"""Where speech is: utterances in a stream of sound, by the WebRTC voice activity detector."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

RATE = 16_000
FRAME = 30
"""Milliseconds that are judged at once."""
_BYTES = RATE * FRAME // 1000 * 2
_ONSET, _OF = 3, 5
"""Speech has begun when that many of the last frames are voiced, not at one odd frame."""


class Stretch(NamedTuple):
    """Sound that belongs to an utterance. `start`: its place in the whole, in seconds."""

    pcm: bytes
    start: float
    opens: bool = False
    closes: bool = False


class Utterances:
    """Cuts PCM at 16 kHz into utterances, as it comes.

    `aggressiveness` 0-3: how readily sound is taken for noise. An utterance ends after
    `silence` seconds without voice, or when it is `longest` seconds long; it begins `padding`
    seconds before the first voice.
    """

    def __init__(self, aggressiveness: int, silence: float, padding: float, longest: float) -> None:
        import webrtcvad

        self._detector: Any = webrtcvad.Vad(aggressiveness)
        self._silence, self._longest = _frames(silence), _frames(longest)
        self._padding = _frames(padding)
        self._before: deque[bytes] = deque(maxlen=self._padding + _OF)
        self._recent: deque[bool] = deque(maxlen=_OF)
        self._rest = b""
        self._count = 0
        self._open = 0
        self._quiet = 0

    def feed(self, pcm: bytes) -> Iterator[Stretch]:
        """The stretches of speech in `pcm`, which may be of any length."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % _BYTES
        self._rest = pcm[whole:]
        for at in range(0, whole, _BYTES):
            yield from self._judge(pcm[at : at + _BYTES])

    def finish(self) -> Iterator[Stretch]:
        """The end of the sound: closes the open utterance, with some silence after it."""
        rest, self._rest = self._rest, b""
        if self._open:
            missing = max(0, self._padding - self._quiet) * _BYTES
            yield Stretch(rest + bytes(missing + len(rest) % 2), self._seconds(), closes=True)
            self._open = 0

    def _judge(self, frame: bytes) -> Iterator[Stretch]:
        voiced: bool = self._detector.is_speech(frame, RATE)
        if self._open:
            yield self._continued(frame, voiced)
        else:
            self._before.append(frame)
            self._recent.append(voiced)
            if sum(self._recent) >= _ONSET:
                yield self._opened()
        self._count += 1

    def _continued(self, frame: bytes, voiced: bool) -> Stretch:
        self._open += 1
        self._quiet = 0 if voiced else self._quiet + 1
        closes = self._quiet >= self._silence or self._open >= self._longest
        if closes:
            self._open = 0
        return Stretch(frame, self._seconds(), closes=closes)

    def _opened(self) -> Stretch:
        pcm = b"".join(self._before)
        start = self._seconds() - (len(self._before) - 1) * FRAME / 1000
        self._open, self._quiet = len(self._before), 0
        self._before.clear()
        self._recent.clear()
        return Stretch(pcm, start, opens=True)

    def _seconds(self) -> float:
        return self._count * FRAME / 1000


def _frames(seconds: float) -> int:
    return max(1, round(seconds * 1000 / FRAME))
