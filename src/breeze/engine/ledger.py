"""What every attempt used, failed and cancelled ones included: one row each, in SQLite.

Rows are handed to a thread that writes them in batches, so that accounting costs a request a
fraction of a microsecond and a slow disk costs it nothing.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from pathlib import Path

import msgspec

_log = logging.getLogger("breeze.ledger")
_BATCH = 500


class Row(msgspec.Struct, frozen=True):
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
_INSERT = f"INSERT INTO attempts VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608  # constants
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM attempts"  # noqa: S608  # constants


class Ledger:
    """The account in the file `path`, which is made at the first row. None keeps no account."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._queue: queue.SimpleQueue[Row | threading.Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.lost = 0
        """Rows that could not be written; the log says why."""

    def add(self, row: Row) -> None:
        """Take note. Never blocks, never fails."""
        if self._path is None:
            return
        if self._thread is None:
            writer = threading.Thread(target=self._write, daemon=True, name="breeze-ledger")
            writer.start()
            self._thread = writer  # only now, so that a close elsewhere can join it
        self._queue.put(row)

    def flush(self) -> None:
        """Wait until everything taken so far is on disk or counted as lost. Blocks."""
        if self._thread is not None:
            written = threading.Event()
            self._queue.put(written)
            written.wait()

    def close(self) -> None:
        """Write what is left and stop. Blocks."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def rows(self, request_id: str = "") -> list[Row]:
        """The rows of one request, or all, oldest first. Blocks."""
        self.flush()
        if self._path is None or not self._path.exists():
            return []
        where, values = (" WHERE request_id = ?", (request_id,)) if request_id else ("", ())
        with _opened(self._path) as database:
            found = database.execute(f"{_SELECT}{where} ORDER BY rowid", values).fetchall()
        database.close()
        return [Row(*values) for values in found]

    def _write(self) -> None:
        while True:
            batch: list[Row] = []
            waiting: list[threading.Event] = []
            last = False
            item = self._queue.get()
            while True:
                if item is None:
                    last = True
                elif isinstance(item, Row):
                    batch.append(item)
                else:
                    waiting.append(item)
                if last or len(batch) >= _BATCH or self._queue.empty():
                    break
                item = self._queue.get()
            self._store(batch)
            for event in waiting:
                event.set()
            if last:
                return

    def _store(self, batch: list[Row]) -> None:
        if not batch or self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = _opened(self._path)
            try:
                with database:
                    database.execute(_CREATE)
                    database.executemany(_INSERT, map(msgspec.structs.astuple, batch))
            finally:
                database.close()
        except (OSError, sqlite3.Error) as error:
            self.lost += len(batch)
            _log.warning("%d usage rows lost: %s: %s", len(batch), self._path, error)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=10)
