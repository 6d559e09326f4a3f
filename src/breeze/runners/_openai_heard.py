"""What was heard: one JSON, plain text, or a stream of pieces. The content type tells which."""

from __future__ import annotations

import re
from math import exp
from typing import Any

import msgspec

from breeze.contracts.dialects.openai_languages import code_of
from breeze.contracts.events import Finish, TranscribeEvent, Transcript
from breeze.contracts.values import Usage, Word
from breeze.runners._http_answer import Answer
from breeze.runners._http_json import finite
from breeze.runners._http_sse import EventSplitter
from breeze.runners._json_answer import json_answer
from breeze.runners._openai_server import Server, kind_of

_EVENTS = re.compile(rb"\s*(event:[^\n]*\n\s*)?data:\s*\{")


class _Segment(msgspec.Struct):
    """One stretch of speech."""

    text: str = ""
    start: float = 0.0
    end: float = 0.0
    avg_logprob: float | None = None


class _Word(msgspec.Struct):
    """One word; `word` or, with some servers, `text`."""

    word: str = ""
    start: float = 0.0
    end: float = 0.0
    text: str = ""


class _Used(msgspec.Struct):
    """Seconds of sound, or tokens."""

    seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Whole(msgspec.Struct):
    """An answer as one JSON; the last events of a stream have `usage` too."""

    text: str
    language: str | None = None
    duration: float | str | None = None
    segments: list[_Segment] | None = None
    words: list[_Word] | None = None
    usage: _Used | None = None


class _Piece(msgspec.Struct):
    """One event of a stream."""

    type: str = ""
    delta: str = ""
    text: str = ""
    start: float = 0.0
    end: float = 0.0
    usage: _Used | None = None


class Heard:
    """Reads one answer. `take` gives the events of a piece, `end` the last ones.

    `seconds` of the sound where they are known; `field` names it in errors.
    """

    def __init__(self, server: Server, answer: Answer, field: str, seconds: float) -> None:
        self._server, self._answer, self._field = server, answer, field
        self._seconds = seconds
        self._kind = kind_of(answer)
        self._split = EventSplitter() if self._kind == "text/event-stream" else None
        self._body: list[bytes] = []
        self._text = ""
        self._segment = 0
        self._used: _Used | None = None
        self._done = False

    def take(self, data: bytes) -> list[TranscribeEvent]:
        if self._split is None:
            self._body.append(data)
            return []
        return [event for each in self._split.feed(data) for event in self._read(each)]

    def end(self) -> list[TranscribeEvent]:
        if self._split is None:
            return self._whole(b"".join(self._body))
        events = [event for each in self._split.end() for event in self._read(each)]
        if not self._done:
            raise self._server.cut(self._answer)
        return [*events, self._usage(), Finish()]

    # streams ------------------------------------------------------------------------------

    def _read(self, event: bytes) -> list[TranscribeEvent]:
        if event.startswith(b"[DONE]"):
            return []
        self._server.found(self._answer, event, self._field)  # an error is raised
        piece = self._decoded(event, _Piece)
        if piece.type == "transcript.text.delta":
            self._text += piece.delta
            return [Transcript(self._text, segment=self._segment)] if piece.delta else []
        if piece.type == "transcript.text.segment":
            self._text = ""
            return [self._final(piece.text.strip(), piece.start, piece.end)]
        if piece.type != "transcript.text.done":
            return []
        self._done, self._used = True, piece.usage
        text = piece.text.strip() if not self._segment else self._text.strip()
        return [self._final(text, 0.0, self._length())] if text or not self._segment else []

    def _final(self, text: str, start: float, end: float, **more: Any) -> Transcript:
        self._segment += 1
        return Transcript(
            text, True, self._segment - 1, max(0.0, start), max(0.0, start, end), **more
        )

    # whole answers ------------------------------------------------------------------------

    def _whole(self, body: bytes) -> list[TranscribeEvent]:
        if _EVENTS.match(body):  # a stream, whatever its type says
            self._split = EventSplitter()
            return [*self.take(body), *self.end()]
        if body.lstrip()[:1] != b"{":
            if self._kind != "text/plain" and body.lstrip()[:1] == b"<":
                raise self._server.malformed(self._answer, "it is a web page")
            if self._kind != "text/plain" and not body.strip():
                raise self._server.cut(self._answer)  # silence is said too: in JSON, or as text
            text = body.decode("utf-8", "replace").strip()
            return [self._final(text, 0.0, self._seconds), self._usage(), Finish()]
        self._server.found(self._answer, body, self._field)
        found = self._decoded(body, _Whole)
        self._used = found.usage
        self._seconds = _number(found.duration) or self._seconds
        events: list[TranscribeEvent] = list(self._segments(found))
        return [*events, self._usage(), Finish()]

    def _segments(self, found: _Whole) -> list[Transcript]:
        language = code_of(found.language or "")
        said = found.segments or [_Segment(found.text, 0.0, self._length())]
        words = [
            Word((w.word or w.text).strip(), max(0.0, w.start), max(0.0, w.start, w.end))
            for w in found.words or ()
        ]
        made = []
        for place, segment in enumerate(said):
            last = place == len(said) - 1
            count = len(words) if last else sum(w.start < segment.end for w in words)
            own, words = words[:count], words[count:]
            sure = segment.avg_logprob
            made.append(
                self._final(
                    segment.text.strip(), segment.start, segment.end,
                    confidence=None if sure is None else min(1.0, exp(min(0.0, sure))),
                    language=language, words=tuple(own),
                )
            )  # fmt: skip
        return made

    def _decoded(self, data: bytes, kind: Any) -> Any:
        return json_answer(data, kind, self._answer.where, "transcription")

    def _length(self) -> float:
        told = self._used.seconds if self._used is not None else None
        return max(0.0, told or self._seconds)

    def _usage(self) -> Usage:
        used = self._used or _Used()
        return Usage(used.input_tokens or 0, used.output_tokens or 0, audio_seconds=self._length())


def _number(told: float | str | None) -> float:
    """Seconds, which some servers write as text."""
    return max(0.0, finite(told) or 0.0)
