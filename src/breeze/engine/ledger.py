"""What every attempt used, failed and cancelled ones included: one row each, in SQLite.

Rows are handed to a thread that writes them in batches, so that accounting costs a request a
fraction of a microsecond and a slow disk costs it nothing.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from contextlib import closing
from functools import cache
from itertools import chain
from pathlib import Path

import msgspec
from msgspec.structs import astuple

_log = logging.getLogger("breeze.ledger")
_MOMENT = 1.0
"""Seconds for which rows are gathered into one transaction."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One attempt of one runner. `started` in Unix seconds; `status` finished, error, cancelled."""

    request_id: str
    session_id: str
    capability: str
    runner: str
    model: str
    started: float
    seconds: float
    first_event_seconds: float | None
    status: str
    code: str
    events: int
    prompt_tokens: int = 0
    completion_tokens: int = 0
    characters: int = 0
    audio_seconds: float = 0.0
    images: int = 0
    cost: float | None = None


_COLUMNS = {
    "request_id": "TEXT", "session_id": "TEXT", "capability": "TEXT", "runner": "TEXT",
    "model": "TEXT", "started": "REAL", "seconds": "REAL", "first_event_seconds": "REAL",
    "status": "TEXT", "code": "TEXT", "events": "INTEGER", "prompt_tokens": "INTEGER",
    "completion_tokens": "INTEGER", "characters": "INTEGER", "audio_seconds": "REAL",
    "images": "INTEGER", "cost": "REAL",
}  # fmt: skip
_CREATE = "CREATE TABLE IF NOT EXISTS attempts ({})".format(
    ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
)
_TOGETHER = 100
"""Rows in one statement: each statement hands the interpreter over to another thread and back."""
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM attempts"  # noqa: S608  # constants


class Ledger:
    """The account in the file `path`, which is made at the first row. None keeps no account."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: deque[Row] = deque()
        self._taken = self._settled = 0
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._stored = threading.Condition()
        self._awake = self._closing = False
        self._thread: threading.Thread | None = None
        self.listeners: list[Callable[[Row], object]] = []
        """Told of every row at once, on the event loop; also where no account is kept."""
        self.lost = 0
        """Rows that could not be written; the log says why."""

    def add(self, row: Row) -> None:
        """Take note, from the event loop. Never blocks, never fails."""
        for listener in self.listeners:
            listener(row)
        if self._path is None:
            return
        if self._thread is None:
            writer = threading.Thread(target=self._write, daemon=True, name="breeze-ledger")
            writer.start()
            self._thread = writer  # only now, so that a close elsewhere can join it
        self._rows.append(row)
        self._taken += 1
        if not self._awake:
            self._awake = True
            self._wake.set()

    def flush(self) -> None:
        """Wait until everything taken so far is on disk or counted as lost. Blocks."""
        if self._thread is None:
            return
        wanted = self._taken
        self._rush()
        with self._stored:
            self._stored.wait_for(lambda: self._settled >= wanted)

    def close(self) -> None:
        """Write what is left and stop. Blocks."""
        if self._thread is not None:
            self._closing = True
            self._rush()
            self._thread.join()
            self._thread = None
            self._closing = False

    def _rush(self) -> None:
        self._hurry.set()
        self._wake.set()

    def rows(self, request_id: str = "") -> list[Row]:
        """The rows of one request, or all, oldest first. Blocks."""
        self.flush()
        if self._path is None or not self._path.exists():
            return []
        where, values = (" WHERE request_id = ?", (request_id,)) if request_id else ("", ())
        with closing(_opened(self._path)) as database:
            found = database.execute(f"{_SELECT}{where} ORDER BY rowid", values).fetchall()
        return [Row(*values) for values in found]

    def _write(self) -> None:
        """The thread: one transaction for all that came within a moment."""
        while True:
            self._wake.wait()
            self._hurry.wait(_MOMENT)
            self._wake.clear()
            self._hurry.clear()
            self._awake = False  # before the rows are taken: who comes later wakes it again
            closing = self._closing
            batch = [self._rows.popleft() for _ in range(len(self._rows))]
            self._store(batch)
            with self._stored:
                self._settled += len(batch)
                self._stored.notify_all()
            if closing:
                return

    def _store(self, batch: list[Row]) -> None:
        if not batch or self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(_opened(self._path)) as database, database:
                database.execute(_CREATE)
                for begin in range(0, len(batch), _TOGETHER):
                    some = batch[begin : begin + _TOGETHER]
                    database.execute(_insert(len(some)), [*chain(*map(astuple, some))])
        except (OSError, sqlite3.Error, OverflowError, ValueError) as error:
            if isinstance(error, (OverflowError, ValueError)) and len(batch) > 1:
                for row in batch:  # one holds what cannot be stored, such as a server's 10**30
                    self._store([row])
                return
            self.lost += len(batch)
            _log.warning("%d usage rows lost: %s: %s", len(batch), self._path, error)


@cache
def _insert(rows: int) -> str:
    row = f"({', '.join('?' * len(_COLUMNS))})"
    return f"INSERT INTO attempts VALUES {', '.join([row] * rows)}"  # noqa: S608  # constants


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=10)
