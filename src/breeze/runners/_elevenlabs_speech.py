"""The sound as it comes: bytes, or lines that hold bytes and the times of characters."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.unreadable import UNREADABLE
from breeze.contracts.values import Word
from breeze.runners._elevenlabs_errors import SAYS
from breeze.runners._elevenlabs_words import Alignment, WordReader
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import reported
from breeze.runners._http_lines import LineSplitter

_LONGEST = 64 * 1024
"""Bytes of an error that are read."""
_TEXTS = ("application/json", "text/html", "text/event-stream")
_ERROR = b'{"detail"'
Piece = tuple[bytes, tuple[Word, ...]]
"""Sound, and the words that were complete with it."""


class _Line(msgspec.Struct):
    """A line with sound, or an error."""

    audio_base64: str | None = None
    alignment: Alignment | None = None
    normalized_alignment: Alignment | None = None
    detail: Any = None


async def sound_pieces(answer: Answer, secrets: tuple[str, ...]) -> AsyncGenerator[Piece]:
    """The sound of a plain answer. Raises the error that came in its place, or a cut."""
    kind = answer.header("content-type").partition(";")[0].lower()
    first = True
    async for data in answer:
        if first and (error := await _no_sound(answer, kind, data, secrets)) is not None:
            raise error
        first = False
        before, error = _parted(data, answer, secrets)
        if before:
            yield before, ()
        if error is not None:
            raise error
    _framed(answer)


def whole_sound(answer: Answer, secrets: tuple[str, ...]) -> Piece:
    """The sound of an answer that came whole. Raises as `sound_pieces` does."""
    body = answer.body()
    kind = answer.header("content-type").partition(";")[0].lower()
    if _is_text(kind, body):
        raise _reported(body, answer, secrets)
    _framed(answer)
    return body, ()


async def _no_sound(
    answer: Answer, kind: str, data: bytes, secrets: tuple[str, ...]
) -> RunnerError | None:
    """The error for an answer that holds text where sound should be."""
    if not _is_text(kind, data):
        return None
    async for more in answer:
        data += more
        if len(data) > _LONGEST:
            break
    return _reported(data, answer, secrets)


def _is_text(kind: str, data: bytes) -> bool:
    """By its type, and where that says nothing by its beginning."""
    if kind.startswith("audio/") or kind == "application/octet-stream":
        return data.startswith(_ERROR)
    return kind in _TEXTS or data[:64].decode("latin-1").isprintable()


def _parted(
    data: bytes, answer: Answer, secrets: tuple[str, ...]
) -> tuple[bytes, RunnerError | None]:
    """Sound, and the error that ends it if there is one."""
    at = data.find(_ERROR)
    if at < 0 or not data.rstrip().endswith(b"}"):
        return data, None
    error = _reported(data[at:], answer, secrets)
    return (data, None) if error.detail == "malformed" else (data[:at], error)


def _reported(data: bytes, answer: Answer, secrets: tuple[str, ...]) -> RunnerError:
    try:
        said = msgspec.json.decode(data)
    except UNREADABLE:
        return ProcessingError(
            f"{answer.where} sent text where sound should be. Is base_url right?",
            detail="malformed",
        )
    return reported(said, answer, secrets=secrets, field="text", says=SAYS)


def _framed(answer: Answer) -> None:
    """Sound has no mark at its end: without a length that was told, nobody knows that it is all."""
    if not (answer.header("content-length") or answer.header("transfer-encoding")):
        raise ProcessingError(
            f"{answer.where} closed the connection, and sound has no mark of its end. "
            "Send the request again.",
            detail="cut",
        )


class TimedReader:
    """Reads lines of sound and times: `feed` with the bytes of the answer, then `end`."""

    def __init__(self, answer: Answer, text: str, secrets: tuple[str, ...]) -> None:
        self._answer = answer
        self._secrets = secrets
        self._lines = LineSplitter()
        self._words = WordReader(text)

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that `data` completes. Raises the error that a line holds."""
        return [self._read(line) for line in self._lines.feed(data)]

    def end(self) -> list[Piece]:
        """The pieces that are left."""
        pieces = [self._read(line) for line in self._lines.end()]
        _framed(self._answer)
        if self._words.short:
            raise ProcessingError(
                f"{self._answer.where} ended its stream before all of the text was spoken. "
                "Send the request again.",
                detail="cut",
            )
        last = tuple(self._words.end())
        return [*pieces, (b"", last)] if last else pieces

    def _read(self, data: bytes) -> Piece:
        try:
            line = msgspec.json.decode(data, type=_Line)
            sound = base64.b64decode(line.audio_base64 or "", validate=True)
        except (*UNREADABLE, ValueError) as error:  # base64's errors are ValueErrors
            raise ProcessingError(
                f"{self._answer.where} sent a line that holds no sound ({type(error).__name__}).",
                detail="malformed",
            ) from error
        if line.detail:
            raise _reported(data, self._answer, self._secrets)
        aligned = line.alignment or line.normalized_alignment
        return sound, tuple(self._words.take(aligned) if aligned else self._words.lose())
