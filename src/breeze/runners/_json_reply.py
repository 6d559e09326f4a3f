"""The answer to a chat request as it arrives, for dialects whose events are JSON objects.

Pieces of bytes in, events out. What the JSON means is the dialect's business: see `ObjectReader`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import msgspec

from breeze.contracts.dialects.openai import UpstreamError
from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import ChatEvent
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._http_answer import Answer
from breeze.runners._reply import PieceReply

_decode = msgspec.json.decode


class ObjectReader(Protocol):
    """What a dialect gives: the events of one object, and those after the last.

    `over` is True once nothing more is of use. `read` raises UpstreamError when the object holds
    an error, ProcessingError when it is none of the dialect's; `end` raises ProcessingError
    (`cut`) when the answer has not ended. Either may raise any other error of ours.
    """

    over: bool

    def read(self, found: Any) -> list[ChatEvent]: ...

    def end(self) -> list[ChatEvent]: ...


class JsonReply(PieceReply):
    """Reads one answer. `end` gives the last events, and raises the error that was kept.

    `reported` turns what the server said into an error of ours.
    """

    __slots__ = ("_reader", "_reported", "_where")
    _signs = (b":", b"event: ping")

    def __init__(
        self, answer: Answer, reader: ObjectReader, reported: Callable[[Any], RunnerError]
    ) -> None:
        super().__init__()
        self._where = answer.where
        self._reader = reader
        self._reported = reported

    def end(self) -> Iterator[ChatEvent]:
        """The last events; then raises the error that came instead, or ProcessingError (`cut`)."""
        if self._whole:
            yield from self._read_whole(b"".join(self._whole))
        elif not self.over:
            yield from self._last()
        error, self._error = self._error, None
        if error is not None:
            raise error
        yield from self._reader.end()

    def _read_all(self, chunks: list[bytes]) -> list[ChatEvent]:
        events: list[ChatEvent] = []
        for chunk in chunks:
            self._read(chunk, events)
            if self.over:
                break
        return events

    def _read(self, chunk: bytes, events: list[ChatEvent]) -> None:
        try:
            found = self._decoded(chunk)
            for each in found if isinstance(found, list) else (found,):
                events += self._reader.read(each)
        except UpstreamError as error:
            self.over, self._error = True, self._reported(error.error)
        except RunnerError as error:
            self.over, self._error = True, error
        else:
            self.over = self._reader.over

    def _decoded(self, chunk: bytes) -> Any:
        """What the JSON says. Text that is no UTF-8 gets marks in the place of what is wrong."""
        try:
            found = _decode(chunk)
        except UNREADABLE as error:
            text = self._marked(chunk)
            if text is None:
                raise self._malformed(error) from error
            try:
                return _decode(text)
            except (msgspec.DecodeError, RecursionError):
                raise self._malformed(error) from error
        self._broken = 0
        return found

    def _read_whole(self, body: bytes) -> list[ChatEvent]:
        events: list[ChatEvent] = []
        if body.lstrip()[:1] == b"<":
            self._error = self._malformed("a web page")
        else:
            self._read(body, events)
        return events

    def _malformed(self, what: object) -> ProcessingError:
        return ProcessingError(
            f"{self._where} sent what is no part of an answer: {what}. Send the request again.",
            detail="malformed",
        )
