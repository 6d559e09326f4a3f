"""The program of this machine that reads pictures: words with their places, as it finds them."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from breeze.contracts.errors import InputError, NotFoundError, RunnerError, TooLargeError
from breeze.runners._image_form import ImageForm, NoPicture, ended, read_form
from breeze.runners._program import ProgramFailed, output

PROGRAM = "tesseract"
_LAYOUTS = {"auto": "3", "block": "6", "line": "7", "sparse": "11"}
_COLUMNS = 12
_WORD = "5"


class Word(NamedTuple):
    """A word, how sure the reader is (0 to 1), and its rectangle in pixels of the picture."""

    text: str
    confidence: float
    x: int
    y: int
    width: int
    height: int


class Line(NamedTuple):
    """The words of a line, from left to right."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        return round(sum(word.confidence for word in self.words) / len(self.words), 3)

    def described(self) -> dict[str, Any]:
        """As `detected_objects` shows it."""
        return _object("text", self.text, self.confidence, _around(self.words)) | {
            "words": [_object("word", w.text, w.confidence, w[2:]) for w in self.words]
        }


class Manner(NamedTuple):
    """How to read: languages, layout, least confidence, threads."""

    languages: str
    layout: str
    sure: float
    threads: int


def reader() -> str | None:
    """Where the program is, or None."""
    return shutil.which(PROGRAM)


def form_of(data: bytes, field: str, most_bytes: int, most_pixels: int) -> ImageForm:
    """What the header says. Raises InputError and TooLargeError, which name `field`."""
    if len(data) > most_bytes:
        raise _too_large(field, "bytes", most_bytes, len(data))
    try:
        form = read_form(data)
    except NoPicture as error:
        raise InputError(f"{field} {error}: send a whole one.", field=field) from error
    if form.width * form.height > most_pixels:
        raise _too_large(field, "pixels", most_pixels, form.width * form.height)
    if not form.width * form.height or (form.mime != "image/gif" and not ended(data, form.mime)):
        raise InputError(f"{field} is not a whole picture: send all of it.", field=field)
    return form


def read(
    path: str, data: bytes, field: str, manner: Manner, gone: Callable[[], bool]
) -> list[Line]:
    """The lines of text in a picture. Blocks; raises InputError when it cannot be read."""
    layout = _LAYOUTS[manner.layout]
    command = [path, "stdin", "stdout", "-l", manner.languages, "--psm", layout, "tsv"]
    try:
        told = output(command, data, gone, {"OMP_THREAD_LIMIT": str(manner.threads)})
    except ProgramFailed as error:
        if gone():
            return []
        raise _refused(str(error), field, manner) from error
    return list(_lines(told.decode(errors="replace"), manner.sure))


def _refused(said: str, field: str, manner: Manner) -> RunnerError:
    if "loading tesseract language" in said.lower() or "load any languages" in said:
        return NotFoundError(
            f"The reading program lacks a language of {manner.languages!r}. Install it (Debian: "
            f"apt install tesseract-ocr-{manner.languages.partition('+')[0]}), or set "
            "reading_languages.",
            field="params.reading_languages",
        )
    said = " ".join(said.split())[-200:]
    return InputError(
        f"{field} cannot be read ({said}): send a whole PNG, JPEG, WebP or GIF.", field=field
    )


def _lines(told: str, sure: float) -> Iterator[Line]:
    """The table's words by page, block, paragraph and line."""
    rows = csv.reader(told.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = (row for row in rows if len(row) == _COLUMNS and row[0] == _WORD)
    for _, group in groupby(words, key=lambda row: row[1:5]):
        line = tuple(word for row in group if (word := _word(row)) and word.confidence >= sure)
        if line:
            yield Line(line)


def _word(row: list[str]) -> Word | None:
    text = row[11].strip()
    x, y, width, height = map(int, row[6:10])
    return Word(text, round(float(row[10]) / 100, 3), x, y, width, height) if text else None


def _around(words: tuple[Word, ...]) -> tuple[int, ...]:
    x, y = min(w.x for w in words), min(w.y for w in words)
    return x, y, max(w.x + w.width for w in words) - x, max(w.y + w.height for w in words) - y


def _object(label: str, text: str, confidence: float, box: tuple[int, ...]) -> dict[str, Any]:
    region = dict(zip(("x", "y", "width", "height"), box, strict=True))
    return {"label": label, "text": text, "confidence": confidence, "region": region}


def _too_large(field: str, unit: str, limit: int, asked: int) -> TooLargeError:
    return TooLargeError(
        f"{field} has {asked} {unit}, the limit is {limit}: send a smaller picture or raise "
        f"max_{unit}.",
        field=field,
        data={"limit": limit, "asked": asked},
    )
