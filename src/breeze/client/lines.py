"""From bytes as they arrive to whole messages: a line each (NDJSON), or `data:` fields (SSE)."""

from __future__ import annotations

from breeze.contracts.errors import ProcessingError

LONGEST = 1024 * 1024 * 1024
"""Bytes that one message may have: a whole film's sound as base64 fits."""


class Lines:
    """Splits NDJSON. Empty lines are a sign of life and no message."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes."""
        return [line for line in self._lines(data) if line.strip()]

    def _lines(self, data: bytes) -> list[bytes]:
        *whole, rest = data.split(b"\n")
        if whole and self._parts:
            self._parts.append(whole[0])
            whole[0] = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
            if self._size > LONGEST:
                raise ProcessingError(
                    f"A message of the server is longer than {LONGEST} bytes.", detail="malformed"
                )
        return whole


class Frames(Lines):
    """Splits server-sent events; comments and fields other than `data` are passed over."""

    def __init__(self) -> None:
        super().__init__()
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        found: list[bytes] = []
        for line in map(bytes.rstrip, self._lines(data)):
            if line.startswith(b"data:"):
                self._data.append(line[5:].lstrip())
            elif not line and self._data:
                found.append(b"\n".join(self._data))
                self._data.clear()
        return found
