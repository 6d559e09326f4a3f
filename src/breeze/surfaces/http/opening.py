"""How an answer begins on the wire: status, date, headers."""

from __future__ import annotations

from http import HTTPStatus

from breeze.surfaces.http.reply import Headers

CLOSE = b"\r\nconnection: close"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_line = b": ".join


class Opening:
    """Makes the first lines once for each status and second.

    Called with the status, what every answer says (a new list whenever it changes) and this
    answer's own headers. Returns all but the empty line. Raises RuntimeError when a header holds a
    line break.
    """

    def __init__(self) -> None:
        self._common: Headers = []
        self._first: dict[int, bytes] = {}

    def __call__(self, status: int, common: Headers, headers: Headers) -> bytes:
        lines = b"\r\n".join(map(_line, headers))
        if not lines.count(b"\n") == lines.count(b"\r") == len(headers) - 1:
            raise RuntimeError("a header holds a line break")
        if common is not self._common:
            self._common = common
            self._first.clear()
        first = self._first.get(status)
        return (first or self._make(status)) + lines

    def _make(self, status: int) -> bytes:
        line = status_line(status)
        first = self._first[status] = b"".join((line, *map(b"%b: %b\r\n".__mod__, self._common)))
        return first


def status_line(status: int) -> bytes:
    """The first line of an answer."""
    return f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode("ascii")


opening = Opening()
