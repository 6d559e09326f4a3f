"""Server-sent events, cut out of a byte stream that comes in any pieces.

Lenient, because servers differ: lines end in LF, CRLF or CR, the space after the colon may be
missing, data may have several lines, comments and unknown fields are passed over, and a byte
order mark may lead. Text is not decoded here, so a character may be split anywhere.
"""

from __future__ import annotations

from collections.abc import Callable

from breeze.contracts.errors import ProcessingError

LARGEST = 64 * 1024 * 1024
"""Bytes of one event."""
Fields = dict[bytes, bytes]
_BARE = (b"{", b"[")
"""How JSON begins. Some servers say so in the middle of a stream that they failed, not as data."""


def data_of(fields: Fields) -> bytes:
    """What an event says: its data, empty when it has none."""
    return fields.get(b"data", b"")


class EventSplitter:
    """`feed` gives the data of each event that is complete, `end` what is left after the last.

    `odd` turns the fields of an event that is more than one line of data into what counts as its
    data. Events without data are left out.
    """

    __slots__ = ("_begun", "_cr", "_largest", "_odd", "_tail")

    def __init__(self, odd: Callable[[Fields], bytes] = data_of, *, largest: int = LARGEST) -> None:
        self._odd = odd
        self._largest = largest
        self._tail = bytearray()
        self._begun = self._cr = False

    @property
    def clean(self) -> bool:
        """True when the last piece ended with an event: nothing is held back."""
        return not self._tail and not self._cr

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that `data` completes. Raises ProcessingError: too large."""
        if self._cr or b"\r" in data:
            data = self._with_line_feeds(data)
        tail = self._tail
        if tail:
            start = len(tail) - 1
            tail += data
            if tail.find(b"\n\n", start) < 0:
                self._check(len(tail))
                return []
            data = bytes(tail)
            tail.clear()
        end = data.rfind(b"\n\n")
        rest = data[end + 2 :] if end >= 0 else data
        if rest:
            tail += rest
            self._check(len(rest))
        return self._events(data, end) if end >= 0 else []

    def _events(self, data: bytes, end: int) -> list[bytes]:
        """The events of `data` up to `end`, where the blank line after the last begins."""
        if data[:6] == b"data: ":
            found = data[6:end].split(b"\n\ndata: ")
            if data.count(b"\n", 0, end) == 2 * len(found) - 2:  # each is one line of data
                self._begun = True
                return found
        found = []
        for event in data[:end].split(b"\n\n"):
            plain = event[:6] == b"data: " and b"\n" not in event
            if payload := event[6:] if plain else self._read(event):
                found.append(payload)
        self._begun = True
        return found

    def end(self) -> list[bytes]:
        """The data of a last event that nothing closed, if there is one: it may be cut short."""
        rest = bytes(self._tail)
        self._tail.clear()
        payload = self._read(rest) if rest else b""
        return [payload] if payload else []

    def _read(self, event: bytes) -> bytes:
        if not self._begun:
            event = event.removeprefix(b"\xef\xbb\xbf")
        if event[:1] in _BARE:
            return event
        fields: Fields = {}
        told: list[bytes] = []
        for line in event.split(b"\n"):
            name, _, value = line.partition(b":")
            value = value[1:] if value[:1] == b" " else value
            if name == b"data":
                told.append(value)
            elif name:  # a comment begins with the colon
                fields[name] = value
        if told:
            fields[b"data"] = b"\n".join(told)
        return self._odd(fields)

    def _with_line_feeds(self, data: bytes) -> bytes:
        """`data` with LF at the end of its lines; a CRLF may be split between two pieces."""
        if self._cr and data[:1] == b"\n":
            data = data[1:]
            self._cr = False
        if data:
            self._cr = data[-1:] == b"\r"
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _check(self, size: int) -> None:
        if size > self._largest:
            raise ProcessingError(
                f"An event of the stream is larger than {self._largest} bytes.",
                detail="malformed",
                retryable=False,
            )
