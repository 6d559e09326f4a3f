"""The sound as it comes: bytes, or lines that hold bytes and the times of characters."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.unreadable import UNREADABLE
from breeze.contracts.values import Word
from breeze.runners._elevenlabs_errors import SAYS
from breeze.runners._elevenlabs_format import Sound
from breeze.runners._elevenlabs_reach import Reach
from breeze.runners._elevenlabs_words import Alignment, WordReader
from breeze.runners._http import LARGEST
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import reported
from breeze.runners._http_lines import LineSplitter

_LONGEST = 64 * 1024
"""Bytes of an error that are read."""
_TEXTS = ("application/json", "text/html", "text/event-stream")
_ERROR = b'{"detail"'
_NONE = msgspec.Raw(b"null")
Piece = tuple[bytes, tuple[Word, ...]]
"""Sound, and the words that were complete with it."""


class _Line(msgspec.Struct):
    """A line with sound, or an error."""

    audio_base64: str | None = None
    alignment: msgspec.Raw = _NONE
    normalized_alignment: msgspec.Raw = _NONE
    detail: Any = None

    @property
    def aligned(self) -> Alignment | None:
        """Characters with times, if there are any that can be read: sound counts without them."""
        for said in (self.alignment, self.normalized_alignment):
            try:
                found = msgspec.json.decode(said, type=Alignment | None)
            except UNREADABLE:
                continue
            if found is not None and found.characters:
                return found
        return None


async def pieces_of(
    answer: Answer, whole: bool, reader: TimedReader | None, secrets: tuple[str, ...]
) -> AsyncGenerator[Piece]:
    """The sound with its words, however it comes: plain without a `reader`.

    Raises the error that came in its place, or a cut.
    """
    if reader is not None:
        async with aclosing(_timed_pieces(answer, whole, reader)) as pieces:
            async for piece in pieces:
                yield piece
    elif whole:
        yield _whole_sound(answer, secrets)
    else:
        async with aclosing(_sound_pieces(answer, secrets)) as pieces:
            async for piece in pieces:
                yield piece


async def _timed_pieces(answer: Answer, whole: bool, reader: TimedReader) -> AsyncGenerator[Piece]:
    if whole:
        for piece in reader.feed(answer.body()):
            yield piece
    else:
        async for data in answer:
            for piece in reader.feed(data):
                yield piece
    for piece in reader.end():
        yield piece


async def _sound_pieces(answer: Answer, secrets: tuple[str, ...]) -> AsyncGenerator[Piece]:
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


def _whole_sound(answer: Answer, secrets: tuple[str, ...]) -> Piece:
    """The sound of an answer that came whole. Raises as `_sound_pieces` does."""
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

    def __init__(self, answer: Answer, text: str, sound: Sound, secrets: tuple[str, ...]) -> None:
        self._answer = answer
        self._secrets = secrets
        self._lines = LineSplitter(largest=LARGEST)  # of a whole answer there is but one
        self._words = WordReader(text)
        self._reach = Reach(text, sound)

    @property
    def verified(self) -> bool:
        """True when the times say that all of the text was spoken."""
        return self._reach.verified

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that `data` completes. Raises the error that a line holds."""
        return [self._read(line) for line in self._lines.feed(data)]

    def end(self) -> list[Piece]:
        """The pieces that are left. Raises ProcessingError for sound that ends too soon."""
        pieces = [self._read(line) for line in self._lines.end()]
        _framed(self._answer)
        if self._reach.short:
            raise ProcessingError(
                f"{self._answer.where} ended its sound before all of the text was spoken. "
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
        return sound, tuple(self._words_of(len(sound), line.aligned))

    def _words_of(self, size: int, found: Alignment | None) -> list[Word]:
        """The words that end with `size` bytes of sound, for which there may be no times."""
        if found is not None:
            self._reach.timed(size, found)
            return self._words.take(found)
        if not size:
            return []
        self._reach.untimed(size)
        return self._words.lose()
