"""`breeze draw`: make a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from breeze.contracts.answers import Picture, Pictures, Result
from breeze.contracts.requests import DrawRequest
from breeze.surfaces.cli._files import FileOf, format_of, free_name
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._options import Work, given, text_of, work_options
from breeze.surfaces.cli._run import answer
from breeze.surfaces.cli._view import PersonView

_FORMATS = ("png", "jpeg", "webp")


@click.command("draw")
@click.argument("prompt")
@click.option("-o", "--output", metavar="FILE", help="Its ending picks png, jpeg or webp.")
@click.option("--size", default="512x512", show_default=True, metavar="WIDTHxHEIGHT")
@click.option("--count", type=int, default=1, show_default=True, help="How many pictures.")
@click.option("--steps", type=int, help="More is finer and slower.")
@click.option("--guidance", type=float, help="How closely to follow the prompt.")
@click.option("--seed", type=int, help="The same seed gives the same picture, where it can.")
@click.option("--negative", "negative_prompt", metavar="TEXT", help="What must not be there.")
@work_options
def command(
    prompt: str, output: str | None, size: str, count: int, work: Work, **wishes: Any
) -> int:
    """Make a picture and print its file's name.

    PROMPT says what to draw; - reads it from standard input. Without FILE it is picture.png here,
    or picture-2.png and so on. Several pictures are FILE-1, FILE-2, …
    """
    form: Any = format_of(output, _FORMATS)
    target = FileOf(Path(output) if output else free_name(f"picture.{form}"))
    request = DrawRequest(
        (text_of(prompt),), size=size, count=count, format=form, **work.route, **given(**wishes)
    )
    saved: list[str] = []
    view = JsonView() if work.json else PictureView(saved)
    return answer(work, request, view, keep=lambda result: saved.extend(_store(result, target)))


def _store(result: Result, target: FileOf) -> list[str]:
    """Writes the pictures. Where each one is."""
    assert isinstance(result, Pictures)
    several = len(result.images) > 1
    places = []
    for number, picture in enumerate(result.images, 1):
        path = target.path
        file = FileOf(path.with_stem(f"{path.stem}-{number}")) if several else target
        places.append(_put(picture, file))
    return places


def _put(picture: Picture, file: FileOf) -> str:
    if not picture.data:
        return picture.url or picture.file
    file.write(picture.data)
    return str(file.path)


class PictureView(PersonView):
    """Where the pictures are."""

    def __init__(self, saved: list[str]) -> None:
        super().__init__()
        self._saved = saved

    def whole(self, result: Result) -> None:
        self.text("".join(f"{place}\n" for place in self._saved))
        for picture in result.images if isinstance(result, Pictures) else ():
            seed = f", seed {picture.seed}" if picture.seed is not None else ""
            self.note(f"{picture.width}x{picture.height} {picture.mime}{seed}")
