"""How every answer begins on the wire: its status, and what all of them say, such as the date."""

from __future__ import annotations

from http import HTTPStatus

from breeze.surfaces.http.reply import Headers

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Opening:
    """Makes these lines once for each status and second.

    `common`: the headers of every answer, a new list whenever they change.
    """

    def __init__(self) -> None:
        self._common: Headers = []
        self._made: dict[int, bytes] = {}

    def lines(self, status: int, common: Headers) -> bytes:
        """All of them, each with its line break."""
        if common is not self._common:
            self._common = common
            self._made.clear()
        return self._made.get(status) or self._make(status)

    def _make(self, status: int) -> bytes:
        headers = (b"%b: %b\r\n" % pair for pair in self._common)
        made = self._made[status] = status_line(status) + b"".join(headers)
        return made


def status_line(status: int) -> bytes:
    """The first line of an answer."""
    return f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode("ascii")


OPENING = Opening()
