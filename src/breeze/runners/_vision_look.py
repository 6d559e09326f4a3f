"""The steps of looking at a picture. Each fills its part of the facts and can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from breeze.runners._vision_answer import CODES, COLOURS, FACES, OCR
from breeze.runners._vision_colours import colours, ink_and_ground
from breeze.runners._vision_facts import Facts, Line, Region
from breeze.runners._vision_image import Picture
from breeze.runners._vision_marks import FaceFinder, codes
from breeze.runners._vision_stop import Stop
from breeze.runners._vision_text import TextReader


class Tools(NamedTuple):
    """The loaded models."""

    reader: TextReader
    faces: FaceFinder


class Care(NamedTuple):
    """How carefully to look; the runner's parameters say what each means."""

    min_confidence: float
    read_side: int
    max_lines: int
    face_min_size: int
    colours: int


class Tick(NamedTuple):
    """How far a step is, 0 to 1, and what it has just looked at."""

    done: float
    region: Region | None = None


class Look:
    """One picture being looked at. `count` is called after each native piece of work."""

    def __init__(
        self, picture: Picture, tools: Tools, care: Care, stop: Stop, count: Callable[[], None]
    ) -> None:
        self._picture = picture
        self._tools = tools
        self._care = care
        self._stop = stop
        self._count = count
        self.facts = Facts(
            picture.width,
            picture.height,
            picture.format,
            picture.size_bytes,
            picture.mode,
            picture.transparent,
            picture.animated,
            told_colours=care.colours,
        )

    def step(self, name: str) -> Iterator[Tick]:
        """Do one step, telling how far it is. Raises Stopped when nobody listens."""
        self._stop.check()
        yield from _STEPS[name](self)
        self.facts.methods.append(name)

    def _ocr(self) -> Iterator[Tick]:
        pixels, reader, lines = self._picture.pixels, self._tools.reader, list[Line]()
        self.facts.lines = lines
        with reader.stoppable(self._stop):
            found = reader.find(pixels, self._care.read_side)
            self._count()
            self.facts.more_lines = max(0, len(found) - self._care.max_lines)
            chosen = found[: self._care.max_lines]
            for done, corners in enumerate(chosen, 1):
                self._stop.check()
                text, confidence = reader.read(pixels, corners)
                self._count()
                line = self._line(text, confidence, corners)
                if text and confidence >= self._care.min_confidence:
                    lines.append(line)
                yield Tick(done / len(chosen), line.region)

    def _line(self, text: str, confidence: float, corners: Any) -> Line:
        (x, y), (right, bottom) = corners.min(0).tolist(), corners.max(0).tolist()
        box = round(x), round(y), round(right - x), round(bottom - y)
        region = Region.scaled(*box, self._picture.scale)
        return Line(text, round(confidence, 3), region, *ink_and_ground(self._picture.pixels, box))

    def _colours(self) -> Iterator[Tick]:
        picture = self._picture
        self.facts.colours = colours(picture.pixels, picture.scale)
        self._count()
        yield Tick(1.0)

    def _faces(self) -> Iterator[Tick]:
        picture, least = self._picture, self._care.face_min_size
        find = self._tools.faces.find
        self.facts.faces = find(picture.pixels, picture.scale, least, self._stop, self._count)
        yield Tick(1.0)

    def _codes(self) -> Iterator[Tick]:
        picture = self._picture
        self.facts.codes = codes(picture.pixels, picture.scale, self._stop, self._count)
        yield Tick(1.0)


_STEPS: dict[str, Callable[[Look], Iterator[Tick]]] = {
    OCR: Look._ocr,
    COLOURS: Look._colours,
    FACES: Look._faces,
    CODES: Look._codes,
}
