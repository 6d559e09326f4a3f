"""Recordings: one file a request, a line for what was asked and one for each event, with its time.

    {"recording": 1, "at": …, "capability": "LLM", "key": "…", "request": {…}}
    {"t": 0.0213, "event": {"type": "text", "text": "Hel"}}
    {"t": 0.0391, "event": {"type": "finish"}, "answer": {"runner": "desk", "model": "small"}}

`t`: seconds since the request began. The last line may hold an `error` or an `end` (`closed`: the
reader left) instead. Bytes are in a file of the same name that ends in `.bin`, at
`{"$blob": [offset, size, sha256]}`. A file without an end is what a crash has left: it is sound
as far as it goes.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.events import AnyEvent
from breeze.contracts.redaction import redacted_data
from breeze.contracts.request import Request
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.values import ErrorInfo

VERSION = 1
BLOB = "$blob"
UNREADABLE = (OSError, ValueError, TypeError, IndexError, RecursionError)
"""What reading a file may raise that is no recording, or a broken one."""
UNCOUNTED = frozenset(
    ("type", "id", "session_id", "deadline", "runner", "model", "strict", "whole", "guardian",
     "live", "file")
)  # fmt: skip
"""Fields that may differ between two requests that are the same question."""
Step = tuple[float, "AnyEvent | ErrorInfo | None"]
"""Seconds, and the event, the error, or None for a reader that left."""


class Header(msgspec.Struct, forbid_unknown_fields=False):
    """The first line. `key` is empty when a live source was heard: the sound follows."""

    recording: int
    at: float
    capability: str
    key: str
    request: dict[str, Any]


class Said(msgspec.Struct):
    """Who answered."""

    runner: str = ""
    model: str = ""
    mock: bool = False


class Line(msgspec.Struct):
    """Any further line."""

    t: float
    event: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    end: str = ""
    audio: Any = None
    answer: Said | None = None


def plain(request: Request[Any]) -> dict[str, Any]:
    """`request` as plain data that keeps bytes, without a live source."""
    if isinstance(request, TranscribeRequest) and request.live is not None:
        request = msgspec.structs.replace(request, live=None)
    found: dict[str, Any] = msgspec.to_builtins(request, builtin_types=(bytes,), enc_hook=str)
    return found


def counted(request: dict[str, Any], sound: bytes = b"") -> dict[str, Any]:
    """What makes `request` the question that it is: files by their digests, secrets left out.

    `sound`: the bytes of a file or a live source, which count as `audio`.
    """
    given = {**request, "audio": sound} if sound else request
    asked = {name: value for name, value in given.items() if name not in UNCOUNTED}
    digested: dict[str, Any] = redacted_data(_digested(asked), (), _digest)
    return digested


def key_of(asked: dict[str, Any], capability: str) -> str:
    """The name of a question, from what `counted` gave."""
    canonical = msgspec.json.encode([capability, asked], order="deterministic")
    return hashlib.sha256(canonical).hexdigest()[:32]


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _digested(value: Any) -> Any:
    """Places of bytes in a recording count as the bytes do, and bytes before they are redacted."""
    if isinstance(value, bytes):
        return _digest(value)
    if isinstance(value, dict):
        if BLOB in value:
            return f"sha256:{value[BLOB][2]}"
        return {name: _digested(inner) for name, inner in value.items()}
    return [_digested(inner) for inner in value] if isinstance(value, list | tuple) else value


class Recording(msgspec.Struct, frozen=True):
    """One recorded request. `asked`: what counts of it. `answer`: who answered, if anybody did."""

    file: Path
    at: float
    capability: str
    key: str
    asked: dict[str, Any]
    model: str
    answer: Said | None
    complete: bool

    @classmethod
    def read(cls, file: Path) -> Recording:
        """Raises any of `UNREADABLE` when it is none."""
        with file.open("rb") as source:
            header = msgspec.json.decode(source.readline(), type=Header)
            last = deque(source, maxlen=1)
        line = _line(last[0]) if last else None
        sound = b"" if header.key else _sound(file)
        asked = counted(header.request, sound)
        return cls(
            file,
            header.at,
            header.capability,
            header.key or key_of(asked, header.capability),
            asked,
            str(header.request.get("model", "")),
            line.answer if line is not None else None,
            line is not None and (_is_end(line.event) or line.error is not None),
        )

    def steps(self) -> Iterator[Step]:
        """What came, in order. Raises any of `UNREADABLE` for what cannot be read."""
        blobs = _Blobs(self.file)
        for line in _lines(self.file):
            if line.event is not None:
                data = blobs.filled(line.event)
                yield line.t, msgspec.convert(data, AnyEvent, builtin_types=(bytes,))
            elif line.error is not None:
                yield line.t, msgspec.convert(line.error, ErrorInfo)
            elif line.end:
                yield line.t, None


def _is_end(event: dict[str, Any] | None) -> bool:
    return event is not None and event.get("type") == "finish"


def _lines(file: Path) -> Iterator[Line]:
    with file.open("rb") as source:
        source.readline()
        for data in source:
            if (line := _line(data)) is None:
                return
            yield line


def _line(data: bytes) -> Line | None:
    """A line; None for one that a crash has cut short."""
    try:
        return msgspec.json.decode(data, type=Line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _sound(file: Path) -> bytes:
    blobs = _Blobs(file)
    return b"".join(blobs.filled(line.audio) for line in _lines(file) if line.audio is not None)


class _Blobs:
    """The bytes beside a recording."""

    def __init__(self, file: Path) -> None:
        self._file = file.with_suffix(".bin")

    def filled(self, value: Any) -> Any:
        """`value` with the bytes in their places."""
        if isinstance(value, dict):
            if BLOB in value:
                return self._read(value[BLOB])
            return {name: self.filled(inner) for name, inner in value.items()}
        return [self.filled(inner) for inner in value] if isinstance(value, list) else value

    def _read(self, place: Any) -> bytes:
        """The bytes at `place`, which is believed only as far as the file goes."""
        offset, size, _ = msgspec.convert(place, tuple[int, int, str])
        with self._file.open("rb") as source:
            if min(offset, size) < 0 or offset + size > os.fstat(source.fileno()).st_size:
                raise msgspec.DecodeError(f"{self._file} holds no bytes at {offset}, {size}")
            source.seek(offset)
            return source.read(size)
