"""One request about pictures, answered with what stands written in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from breeze.contracts.events import ChatEvent, Finish, Progress, TextDelta
from breeze.contracts.values import Usage
from breeze.contracts.work import Work
from breeze.runners._image_form import ImageForm
from breeze.runners._system_parameters import SystemParameters
from breeze.runners._system_reading import PROGRAM, Line, Manner, form_of, read
from breeze.runners._vision_request import Shown

ONLY = "I can only read what is written in a picture"


class Viewing:
    """Reads the pictures of one request, one after the other, in a thread of its own."""

    def __init__(
        self, path: str, p: SystemParameters, gone: Callable[[], bool], work: Work
    ) -> None:
        self._path, self._p, self._gone, self._work = path, p, gone, work
        self._manner = Manner(p.reading_languages, p.layout, p.min_confidence, p.threads)

    def events(self, pictures: list[Shown]) -> Iterator[ChatEvent]:
        """The whole stream. Raises InputError, TooLargeError."""
        p = self._p
        forms = [form_of(x.image.data, x.field, p.max_bytes, p.max_pixels) for x in pictures]
        found: list[dict[str, Any]] = []
        for i, picture in enumerate(pictures, 1):
            yield Progress("reading", i - 1, len(pictures))
            lines = read(self._path, picture.image.data, picture.field, self._manner, self._gone)
            if self._gone():
                return
            self._work.steps += 1
            yield from _told(lines, i, len(pictures))
            found += [line.described() | _which(i, len(pictures)) for line in lines]
        yield Usage(images=len(pictures))
        yield Finish(metadata=_summary(pictures, forms, found))


def _told(lines: list[Line], number: int, of: int) -> Iterator[TextDelta]:
    """What is written, line by line, after a word on what is not done."""
    which = f"picture {number}" if of > 1 else "this one"
    before = "\n\n" if number > 1 else f"{ONLY}. "
    if not lines:
        yield TextDelta(f"{before}I found no text in {which}.")
        return
    yield TextDelta(f"{before}{which[0].upper()}{which[1:]} says:")
    for line in lines:
        yield TextDelta(f"\n{line.text}")


def _which(number: int, of: int) -> dict[str, int]:
    return {"image": number - 1} if of > 1 else {}


def _summary(
    pictures: list[Shown], forms: list[ImageForm], found: list[dict[str, Any]]
) -> dict[str, Any]:
    """The metadata of the whole answer."""
    sure = [line["confidence"] for line in found]
    return ({"confidence": round(sum(sure) / len(sure), 3)} if sure else {}) | {
        "model_name": PROGRAM,
        "runtime_backend": "CPU",
        "methods": [PROGRAM],
        "detected_objects": found,
        "scene_description": f"A picture with {len(found)} lines of text.",
        "image_format": forms[-1].mime.removeprefix("image/").upper(),
        "image_size_bytes": sum(len(picture.image.data) for picture in pictures),
        "analysis_mode": "qa",
        "total_steps": len(pictures),
    }
