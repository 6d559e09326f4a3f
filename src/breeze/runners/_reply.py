"""What every reader of an answer does with its pieces: stream or whole, cut up, errors kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import ALIVE, ChatEvent
from breeze.runners._http_sse import EventSplitter, data_of

_WHOLE = (b"{", b"[", b"<")
"""How JSON and web pages begin, and no stream."""
_MOST_BROKEN = 3
"""Events in a row with text that is no UTF-8 before it is no text stream."""


class PieceReply(ABC):
    """Reads one answer, be it a stream or whole: what it begins with tells.

    `take` gives the events of a piece; once `over` nothing more is of use. An error waits until
    the end, so that all that came before it is delivered.
    """

    __slots__ = ("_broken", "_error", "_split", "_whole", "over")
    _data_of = staticmethod(data_of)
    _signs: ClassVar[tuple[bytes, ...]] = (b":",)
    """How a piece begins that says nothing but that the server is there."""

    def __init__(self) -> None:
        self._split: EventSplitter | None = None
        self._whole: list[bytes] = []
        self._error: RunnerError | None = None
        self._broken = 0
        self.over = False

    def take(self, data: bytes) -> list[ChatEvent]:
        """The events that `data` brings."""
        split = self._split
        if split is None:
            begin = data.lstrip()[:1]
            if self._whole or begin in _WHOLE:
                self._whole.append(data)
            if self._whole or not begin:
                return []
            split = self._split = EventSplitter(self._data_of)
        try:
            events = self._read_all(split.feed(data))
        except ProcessingError as error:  # an event beyond all bounds
            self.over, self._error = True, error
            return []
        if not events and data.startswith(self._signs):
            events.append(ALIVE)  # nothing new, but the server is there
        return events

    @abstractmethod
    def _read_all(self, chunks: list[bytes]) -> list[ChatEvent]:
        """The events of what is complete."""

    def _last(self) -> list[ChatEvent]:
        """The events of a last one that nothing closed: it counts if it can be read."""
        if self._split is None:
            return []
        events = self._read_all(self._split.end())
        if isinstance(self._error, ProcessingError) and self._error.detail == "malformed":
            self.over, self._error = False, None
        return events

    def _marked(self, chunk: bytes) -> str | None:
        """`chunk` with marks in the place of what is no UTF-8; None when that is not the matter."""
        text = chunk.decode("utf-8", "replace")
        self._broken += 1
        return text if "\ufffd" in text and self._broken < _MOST_BROKEN else None
