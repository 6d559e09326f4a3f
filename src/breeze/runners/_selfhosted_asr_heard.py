"""What a recogniser answers: one JSON in any of several shapes, plain text, or a stream."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp
from typing import Any

import msgspec

from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Adjusted, Finish, TranscribeEvent, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.values import Usage, Word
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import reported
from breeze.runners._http_json import finite
from breeze.runners._http_sse import EventSplitter
from breeze.runners._json_answer import json_answer
from breeze.runners._selfhosted_asr_wire import SAYS

_EVENTS = (b"data:", b"event:")
"""How a stream of events begins."""


class _Word(msgspec.Struct):
    """One word; servers name it and its certainty differently."""

    word: str = ""
    text: str = ""
    start: float | None = None
    end: float | None = None
    probability: float | None = None

    def told(self) -> Word:
        start = max(0.0, self.start or 0.0)
        return Word(
            (self.word or self.text).strip(), start, max(start, self.end or 0.0), self.probability
        )


class _Segment(msgspec.Struct):
    """One stretch of speech."""

    text: str = ""
    start: float | None = None
    end: float | None = None
    avg_logprob: float | None = None
    words: list[_Word] | None = None


class _Chunk(msgspec.Struct):
    """The same as some servers say it."""

    text: str = ""
    timestamp: tuple[float | None, float | None] = (None, None)

    def segment(self) -> _Segment:
        return _Segment(self.text, *self.timestamp)


class _Whole(msgspec.Struct):
    """One answer. `server_model`: what recognised."""

    text: str | None = None
    transcription: str | None = None
    language: str | None = None
    duration: float | str | None = None
    segments: list[_Segment] | None = None
    chunks: list[_Chunk] | None = None
    words: list[_Word] | None = None
    model: str | None = None
    server_model: str | None = None


class _Piece(msgspec.Struct):
    """One event of a stream."""

    type: str = ""
    delta: str = ""
    text: str = ""


class Heard:
    """Reads one answer: `take` gives the events of a piece, `end` the last ones."""

    def __init__(
        self, answer: Answer, request: TranscribeRequest, seconds: float, secrets: tuple[str, ...]
    ) -> None:
        self._answer = answer
        self._request = request
        self._seconds = seconds
        self._secrets = secrets
        streamed = answer.header("content-type").startswith("text/event-stream")
        self._split = EventSplitter() if streamed else None
        self._body: list[bytes] = []
        self._text = ""
        self._done = False

    def take(self, data: bytes) -> Iterator[TranscribeEvent]:
        """The events that `data` brings."""
        if self._split is None and not self._body and data.startswith(_EVENTS):
            self._split = EventSplitter()  # whatever the content type says
        if self._split is None:
            self._body.append(data)
            return
        for event in self._split.feed(data):
            yield from self._read(event)

    def end(self, model: str) -> Iterator[TranscribeEvent]:
        """The last events. Raises ProcessingError when the end has not come."""
        if self._split is None:
            yield from self._whole(b"".join(self._body), model)
            return
        for event in self._split.end():
            yield from self._read(event)
        if not self._done:
            raise ProcessingError(
                f"{self._answer.where} ended its answer before it was complete. Send the request "
                "again.",
                detail="cut",
            )
        yield from self._closing(model)

    # streams ------------------------------------------------------------------------------

    def _read(self, event: bytes) -> Iterator[TranscribeEvent]:
        if event.startswith(b"[DONE]"):
            return
        said = self._decoded(event, Any)
        self._check(said)
        piece = self._decoded(event, _Piece) if isinstance(said, dict) else _Piece()
        if piece.type == "transcript.text.done":
            self._done = True
            yield Transcript((piece.text or self._text).strip(), True, 0, 0.0, self._seconds)
        elif piece.delta or (piece.text and not piece.type):  # some send the bare text of a part
            parts = (self._text, piece.delta or piece.text)
            self._text = "".join(parts) if piece.delta else " ".join(filter(None, parts))
            yield Transcript(self._text)

    # whole answers ------------------------------------------------------------------------

    def _whole(self, body: bytes, model: str) -> Iterator[TranscribeEvent]:
        if body.lstrip()[:1] == b"<":
            raise self._malformed("it is a web page")
        plain = self._answer.header("content-type").startswith("text/plain")
        if body.strip() and plain and body.lstrip()[:1] != b"{":
            found = _Whole(text=body.decode("utf-8", "replace").strip())
        else:
            self._check(self._decoded(body, Any))
            found = self._decoded(body, _Whole)
        text = found.text if found.text is not None else found.transcription
        if text is None:
            raise self._malformed("there is no text in it")
        self._seconds = _number(found.duration) or self._seconds
        said = list(self._segments(found, text))
        yield from self._untimed(found, said)
        yield from said
        yield from self._closing(found.server_model or found.model or model)

    def _segments(self, found: _Whole, text: str) -> Iterator[Transcript]:
        told = found.segments or [chunk.segment() for chunk in found.chunks or ()]
        segments = told or [_Segment(text, 0.0, self._seconds)]
        words = [word.told() for word in found.words or ()]
        before = 0.0
        for place, segment in enumerate(segments):
            start = max(0.0, before if segment.start is None else segment.start)
            before = max(start, self._seconds if segment.end is None else segment.end)
            own = [word.told() for word in segment.words or ()]
            if not own and words:
                last = place == len(segments) - 1
                count = len(words) if last else sum(word.start < before for word in words)
                own, words = words[:count], words[count:]
            sure = segment.avg_logprob
            yield Transcript(
                segment.text.strip(), True, place, start, before,
                None if sure is None else min(1.0, exp(min(0.0, sure))),
                found.language or "", tuple(own),
            )  # fmt: skip

    def _untimed(self, found: _Whole, said: list[Transcript]) -> Iterator[Adjusted]:
        """Said where times were asked for and did not come."""
        asked = self._request.timestamps
        words = any(transcript.words for transcript in said)
        timed = words or bool(found.segments or found.chunks)
        given = "word" if words else "segment" if timed else "none"
        if asked == "word" != given or (asked == "segment" and not timed):
            yield Adjusted("timestamps", asked, given, "the server does not tell them")

    def _closing(self, model: str) -> Iterator[TranscribeEvent]:
        yield Usage(audio_seconds=self._seconds)
        yield Finish(metadata={"model_name": model} if model else None)

    def _check(self, said: Any) -> None:
        """Raise the error that an answer of status 200 is, if it is one."""
        if isinstance(said, dict) and said.get("error"):
            raise reported(said, self._answer, secrets=self._secrets, field="audio", says=SAYS)

    def _decoded(self, data: bytes, kind: Any) -> Any:
        return json_answer(data, kind, self._answer.where, "transcription")

    def _malformed(self, why: str) -> ProcessingError:
        return ProcessingError(
            f"{self._answer.where} sent no transcription ({why}).", detail="malformed"
        )


def _number(told: float | str | None) -> float:
    """Seconds, which some servers write as text."""
    return max(0.0, finite(told) or 0.0)
