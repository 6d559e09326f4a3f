"""The access log: one line of JSON for each request, written by a thread of its own.

A request only leaves a tuple behind. Lines of several processes that append to one file do not
mix, because a batch is one write. Keys, queries and bodies are never in it.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from breeze.contracts.errors import InputError
from breeze.surfaces.http.call import Call, code_of

if TYPE_CHECKING:
    from breeze.surfaces.http.reply import Answer

_log = logging.getLogger("breeze.server")
_MOMENT = 0.1
"""Seconds for which lines are gathered."""
_MOST = 50_000
"""Lines that may wait; when the disk is slower than that, the rest is counted as lost."""
_PATH = 512
"""Characters of a path that are kept."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """What is logged of a request. `time`: of its end; `seconds` it took; `bytes` of the answer."""

    time: str
    request_id: str
    method: str
    path: str
    status: int
    seconds: float
    bytes: int
    key: str
    runner: str
    model: str
    client: str
    code: str


class AccessLog:
    """Appends to the file `path`; None is standard output. Raises InputError if it cannot.

    A file that was moved away, as log rotation does it, is made anew.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._wake, self._closing = threading.Event(), threading.Event()
        self.lost = 0
        """Requests that could not be logged."""
        if path is not None:
            try:
                self._reopen(path)
            except OSError as error:
                raise InputError(
                    f"{path} cannot be written: {error.strerror}. Choose another file with "
                    "--access-log, `-` or `off`.",
                    field="accessLog",
                ) from error
        self._thread = threading.Thread(target=self._write, daemon=True, name="breeze-access-log")
        self._thread.start()

    def __call__(self, call: Call, answer: Answer, seconds: float) -> None:
        """A request was answered. Takes a few microseconds and never waits."""
        if len(self._waiting) >= _MOST:
            self.lost += 1
            return
        events = call.events
        runner, model = ("", "") if events is None else (events.route.runner, events.route.model)
        self._waiting.append((
            time.time(), call.request_id, answer.headers, call.method, call.path, answer.status,
            seconds, 0 if call.method == "HEAD" else answer.sent, call.caller.name, runner, model,
            call.asked.client, code_of(call),
        ))  # fmt: skip
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what is left and stop. Blocks."""
        self._closing.set()
        self._wake.set()
        self._thread.join()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    # the thread ---------------------------------------------------------------------------

    def _write(self) -> None:
        encode = msgspec.json.Encoder().encode
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(_MOMENT)
            self._wake.clear()
            found = [self._waiting.popleft() for _ in range(len(self._waiting))]
            self._put(b"".join(encode(_line(*facts)) + b"\n" for facts in found), len(found))

    def _put(self, data: bytes, lines: int) -> None:
        if not data:
            return
        try:
            if self._path is None:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
            else:
                if self._file is None or _moved(self._path, self._file):
                    self._reopen(self._path)
                _write_all(self._file, data)  # type: ignore[arg-type]  # it is open now
        except OSError as error:
            if not self.lost:
                _log.error("the access log is lost: %s: %s", self._path or "standard output", error)
            self.lost += lines

    def _reopen(self, path: Path) -> None:
        fresh = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        if self._file is not None:
            os.close(self._file)
        self._file = fresh


def _line(
    when: float, request_id: str, headers: Any, method: str, path: str, status: int,
    seconds: float, size: int, key: str, runner: str, model: str, client: str, code: str,
) -> Line:  # fmt: skip
    moment = datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")
    return Line(
        moment.replace("+00:00", "Z"), request_id or _id_in(headers), method, path[:_PATH], status,
        round(seconds, 6), size, key, runner, model, client, code,
    )  # fmt: skip


def _id_in(headers: list[tuple[bytes, bytes]]) -> str:
    """The id of an answer that no request of the engine stands behind."""
    return next((value.decode() for name, value in headers if name == b"x-request-id"), "")


def _moved(path: Path, file: int) -> bool:
    """Whether `path` is no longer the open file."""
    with suppress(OSError):
        return not os.path.samestat(path.stat(), os.fstat(file))
    return True


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
