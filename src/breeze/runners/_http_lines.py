"""Lines of a byte stream that comes in any pieces, as servers stream one JSON value a line."""

from __future__ import annotations

from breeze.contracts.errors import ProcessingError
from breeze.runners._http_sse import LARGEST


class LineSplitter:
    """`feed` gives the lines that are complete, `end` what is left after the last line feed.

    Lines end in LF or CRLF; blank ones are left out. Text is not decoded here, so a character may
    be split anywhere.
    """

    __slots__ = ("_largest", "_size", "_tail")

    def __init__(self, *, largest: int = LARGEST) -> None:
        self._largest = largest
        self._size = 0
        self._tail: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises ProcessingError: too long."""
        *lines, rest = data.split(b"\n")
        if lines and self._tail:
            lines[0] = b"".join((*self._tail, lines[0]))
            self._tail.clear()
        if lines:
            self._size = 0
        if rest:
            self._tail.append(rest)
            self._size += len(rest)
        if self._size > self._largest:
            raise ProcessingError(
                f"A line of the stream is longer than {self._largest} bytes.",
                detail="malformed",
                retryable=False,
            )
        return [line for line in map(bytes.strip, lines) if line]

    def end(self) -> list[bytes]:
        """A last line that nothing closed, if there is one: it may be cut short."""
        rest = b"".join(self._tail).strip()
        self._tail.clear()
        self._size = 0
        return [rest] if rest else []
