"""One recording while it is written: append only, private, readable whenever it breaks off."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.recording import BLOB, VERSION
from breeze.contracts.redaction import redacted_data
from breeze.engine.holding import Holding

_ODD = re.compile(r"[^A-Za-z0-9_-]+")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
_log = logging.getLogger("breeze.record")


class Tape:
    """Writes what is asked and what comes. When it cannot be written, the request goes on."""

    def __init__(self, folder: Path, known: Iterable[str]) -> None:
        self._folder = folder
        self._known = tuple(known)
        self._holding = Holding(self._known)
        self._lines = self._blobs = -1
        self._size = 0
        self._path = folder

    def begin(self, request: dict[str, Any], capability: Capability, key: str) -> None:
        """Open the file and say what is asked: plain data that keeps bytes."""
        now = time.time()
        try:
            self._open(str(request.get("id", "")), capability, now)
        except OSError as error:
            self.refuse(error)
            return
        kept = redacted_data(request, self._known, self._kept)
        facts = {"recording": VERSION, "at": now, "capability": capability.value, "key": key}
        self._write({**facts, "request": kept})

    def refuse(self, error: Exception) -> None:
        """Say why there is no recording of a request."""
        _log.warning("%s: nothing is recorded: %s", self._folder, error)

    def event(self, seconds: float, event: Any) -> None:
        """What came. Text is written when it is certain that it holds no secret."""
        for at, found in self._holding.take(seconds, event):
            self._say(at, found)

    def end(self, seconds: float, event: Any, answer: dict[str, Any]) -> None:
        """The end that came, and who answered."""
        self._rest()
        self._say(seconds, event, answer=answer)

    def sound(self, seconds: float, data: bytes) -> None:
        """What a live source gave."""
        self._write({"t": round(seconds, 6), "audio": self._kept(data)})

    def error(self, seconds: float, info: Any) -> None:
        """The error that ended it."""
        self._rest()
        plain = redacted_data(msgspec.to_builtins(info, enc_hook=str), self._known, self._kept)
        self._write({"t": round(seconds, 6), "error": plain})

    def closed(self, seconds: float) -> None:
        """The reader has left."""
        self._rest()
        self._write({"t": round(seconds, 6), "end": "closed"})

    def close(self) -> None:
        """Nothing more comes."""
        for file in (self._lines, self._blobs):
            if file >= 0:
                os.close(file)
        self._lines = self._blobs = -1

    # inside -------------------------------------------------------------------------------

    def _open(self, id: str, capability: Capability, now: float) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
        name = f"{stamp}{int(now % 1 * 1e6):06}-{capability.method}-{_ODD.sub('-', id)[:64]}"
        self._path = self._folder / f"{name}.jsonl"
        self._lines = os.open(self._path, _NEW, 0o600)

    def _rest(self) -> None:
        for at, found in self._holding.rest():
            self._say(at, found)

    def _say(self, seconds: float, event: Any, **more: Any) -> None:
        plain = msgspec.to_builtins(event, builtin_types=(bytes,), enc_hook=str)
        kept = redacted_data(plain, self._known, self._kept)
        self._write({"t": round(seconds, 6), "event": kept, **more})

    def _kept(self, data: bytes) -> dict[str, Any]:
        """Put bytes aside; what stands for them."""
        place = self._size
        try:
            if self._lines >= 0 and self._blobs < 0:
                self._blobs = os.open(self._path.with_suffix(".bin"), _NEW, 0o600)
            _append(self._blobs, data)
        except OSError as error:
            self._give_up(error)
        self._size += len(data)
        return {BLOB: [place, len(data), hashlib.sha256(data).hexdigest()]}

    def _write(self, line: dict[str, Any]) -> None:
        try:
            _append(self._lines, msgspec.json.encode(line) + b"\n")
        except (
            OSError,
            ValueError,
            TypeError,
            OverflowError,
        ) as error:  # a disk, or a number beyond JSON's
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        _log.warning("%s: the rest is not recorded: %s", self._path, error)
        self.close()


def _append(file: int, data: bytes) -> None:
    """Write all of `data` to the end of an open file; nothing where there is none."""
    while data and file >= 0:
        data = data[os.write(file, data) :]
