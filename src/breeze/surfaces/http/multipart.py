"""multipart/form-data as it arrives. Every limit is checked before anything is kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from breeze.contracts.errors import InputError, TooLargeError
from breeze.surfaces.http.form import Form, Upload

if TYPE_CHECKING:
    from breeze.surfaces.http.call import Call

PARTS = 64
"""Parts of a form at most."""
FIELD = 64 * 1024
"""Bytes of a field at most."""
HEADERS, HEADER = 8, 4096
"""Headers of a part at most, and bytes of each."""
_PLAIN = ("", "binary", "8bit", "7bit")
_unheard = logging.Logger("multipart", logging.CRITICAL + 1)  # not anybody's log


async def read_form(call: Call, file_limit: int) -> Form:
    """The form in the body of `call`, with one file named `file` of at most `file_limit` bytes.

    Raises InputError for a body that is no such form, and TooLargeError beyond a limit.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser

    reading = _Reading(file_limit)
    try:
        parser = MultipartParser(
            _boundary(call),
            reading.callbacks(),  # type: ignore[arg-type]
            max_header_count=HEADERS,
            max_header_size=HEADER,
        )
        parser.logger = _unheard
        async for piece in call.pieces():
            parser.write(piece)
            if reading.form.file is not None:
                await reading.form.file.settle()
        reading.whole()
        if reading.form.file is not None:
            await reading.form.file.settle(end=True)
    except FormParserError as error:
        reading.form.close()
        raise InputError(f"The body is not valid multipart/form-data: {error}.") from error
    except BaseException:  # the client left, or a limit was passed: no file may stay
        reading.form.close()
        raise
    return reading.form


def _boundary(call: Call) -> bytes:
    from python_multipart.multipart import parse_options_header

    given = call.header(b"content-type")
    kind, options = parse_options_header(given)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise InputError(
            "The body must be multipart/form-data with a boundary, and the file in a field named "
            f"file; its content-type is {given[:80]!r}."
        )
    return boundary


class _Reading:
    """What the parser has found so far."""

    def __init__(self, file_limit: int) -> None:
        self.form = Form()
        self._limit = file_limit
        self._parts = 0
        self._ended = False
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value = bytearray(), bytearray()
        self._name = ""
        self._field: bytearray | None = None

    def callbacks(self) -> dict[str, Callable[..., None]]:
        """What the parser calls, by the names it knows."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._close,
            "on_end": self._end,
        }

    def whole(self) -> None:
        """Raises InputError when the form stopped before its end."""
        if not self._ended:
            raise InputError("The form ends before its closing boundary: send all of it.")

    def _begin(self) -> None:
        self._parts += 1
        self._headers = {}
        if self._parts > PARTS:
            raise TooLargeError(f"The form has more than {PARTS} parts.", data={"limit": PARTS})

    def _header_end(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _open(self) -> None:
        from python_multipart.multipart import parse_options_header

        given = self._headers.get(b"content-disposition", b"").decode("latin-1")
        kind, options = parse_options_header(given)
        if kind != b"form-data" or b"name" not in options:
            raise InputError("A part of the form has no name: send `form-data; name=…`.")
        self._name = _text(options[b"name"], "")
        self._check_encoding()
        if self._name == "file":
            if self.form.file is not None:
                raise InputError("The form has two files: send one.", field="file")
            self.form.file = Upload("file", self._limit)
        elif b"filename" in options:
            field = self._name[:64]
            raise InputError(f"{field} is a file: the file's field is named file.", field=field)
        else:
            self._field = bytearray()

    def _check_encoding(self) -> None:
        encoding = self._headers.get(b"content-transfer-encoding", b"").decode("latin-1").lower()
        if encoding not in _PLAIN:
            raise InputError("A part has a content-transfer-encoding: send its bytes as they are.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            assert self.form.file is not None
            self.form.file.take(data[start:end])
            return
        self._field += data[start:end]
        if len(self._field) > FIELD:
            name = self._name[:64]
            what = f"{name} is longer than {FIELD // 1024} KiB."
            raise TooLargeError(what, field=name, data={"limit": FIELD})

    def _close(self) -> None:
        if self._field is not None:
            self.form.fields.append((self._name, _text(bytes(self._field), self._name[:64])))
            self._field = None

    def _end(self) -> None:
        self._ended = True


def _text(data: bytes, field: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        what = field or "A field's name"
        raise InputError(f"{what} is not UTF-8.", field=field) from error
