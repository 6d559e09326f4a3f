"""What a folder of pictures knows of the batch that fills it, so that a killed one can go on."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from breeze.contracts.errors import UnavailableError

NAME = ".breeze-draw.jsonl"
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
"""Of the files. A server names the type, so nothing else of it gets into a name."""
_SPARE = re.compile(r"\.\d+-.*\.[0-9a-f]{16}\.tmp")
Line = dict[str, Any]


class Journal:
    """One line for each picture that is there or failed; the first says which batch it is.

    `run` names the batch for as long as its folder is there. Only one process may have it open.
    """

    def __init__(self, folder: Path, wishes: Line, prompts: Sequence[str], *, fresh: bool) -> None:
        """Raises UsageError when the folder holds another batch, unless `fresh`."""
        self.folder = folder
        self.prompts = prompts
        self._width = len(str(len(prompts)))
        self._path = folder / NAME
        said = json.dumps([wishes, prompts], sort_keys=True)
        digest = hashlib.sha256(said.encode()).hexdigest()
        lines = [] if fresh else list(_lines(self._path))
        if lines and lines[0].get("batch") != digest:
            raise click.UsageError(
                f"{folder} holds the pictures of another batch (other prompts or options): choose "
                "another folder, or begin afresh with --fresh."
            )
        self._sweep()
        if not lines:
            self._path.unlink(missing_ok=True)
            lines = [{"batch": digest, "run": os.urandom(16).hex(), "pictures": len(prompts)}]
            self._add(lines[0])
        self.run = str(lines[0]["run"])
        self._there: dict[tuple[int, int], str] = {}
        for line in lines[1:]:
            if "file" in line and self._intact(line):
                self._there[line["prompt"], line["number"]] = line["file"]

    @property
    def there(self) -> int:
        """How many pictures are there."""
        return len(self._there)

    def missing(self, count: int) -> list[int]:
        """The prompts that lack any of their `count` pictures."""
        return [
            prompt
            for prompt in range(len(self.prompts))
            if not all((prompt, number) in self._there for number in range(count))
        ]

    def put(self, data: bytes, mime: str, prompt: int, number: int, facts: Line) -> Path:
        """Write a picture, whole, then note that it is there."""
        from breeze.config.files import write_atomically

        ending = _ENDINGS.get(mime, "bin")
        several = f"-{number + 1}" if facts.pop("several", False) else ""
        stem = f"{prompt + 1:0{self._width}}-{_slug(self.prompts[prompt])}{several}"
        path = self.folder / f"{stem}.{ending}"
        write_atomically(path, data)
        digest = hashlib.sha256(data).hexdigest()
        self._there[prompt, number] = path.name
        line = {"prompt": prompt, "number": number, "file": path.name, "sha256": digest}
        self._add(line | {name: value for name, value in facts.items() if value is not None})
        return path

    def failed(self, prompt: int, number: int, code: str, message: str) -> None:
        """Note why a picture is not there."""
        self._add({"prompt": prompt, "number": number, "code": code, "message": message})

    def _add(self, line: Line) -> None:
        try:
            self._append(line)
        except OSError as error:
            raise UnavailableError(
                f"{self._path} could not be written: {error.strerror}. Free some space, or allow "
                "writing there, and run the same command again."
            ) from error

    def _append(self, line: Line) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, json.dumps(line, ensure_ascii=False).encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)

    def _intact(self, line: Line) -> bool:
        try:
            data = (self.folder / Path(line["file"]).name).read_bytes()
        except OSError:
            return False
        return hashlib.sha256(data).hexdigest() == str(line["sha256"])

    def _sweep(self) -> None:
        """Remove what a killed process has left half written."""
        for path in self.folder.iterdir():
            if _SPARE.fullmatch(path.name):
                with suppress(OSError):  # it does no harm
                    path.unlink()


def _lines(path: Path) -> Iterator[Line]:
    """The whole lines of the file; the last one may have been cut by a kill."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                yield found


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:40].strip("-") or "picture"
