"""`breeze draw`: make a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from breeze.contracts.answers import Picture, Pictures, Result
from breeze.contracts.dialects.openai_media import data_uri, mime_of
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import AnyEvent, ImageFailed
from breeze.contracts.requests import DrawRequest
from breeze.surfaces.cli._draw_batch import draw_all, prompts_in, spending
from breeze.surfaces.cli._exit import DONE, FAILED
from breeze.surfaces.cli._files import FileOf, format_of, free_name
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._options import Work, bytes_of, given, text_of, work_options
from breeze.surfaces.cli._run import View, answer
from breeze.surfaces.cli._view import PersonView

_FORMATS = ("png", "jpeg", "webp")
_TASKS = ("upscale", "remove_background")


@click.command("draw")
@click.argument("prompt", default="")
@click.option("-o", "--output", metavar="FILE", help="Its ending picks png, jpeg or webp.")
@click.option("--batch", metavar="FILE", help="Draw every line of FILE (- is standard input).")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Folder of a batch.")
@click.option("--fresh", is_flag=True, help="Make a batch again that DIR holds already.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Of a batch's pictures.")
@click.option("--size", metavar="WIDTHxHEIGHT", help="Else the runner's choice, mostly 512x512.")
@click.option("--count", type=int, default=1, show_default=True, help="How many of each prompt.")
@click.option("--steps", type=int, help="More is finer and slower.")
@click.option("--guidance", type=float, help="How closely to follow the prompt.")
@click.option("--seed", type=int, help="The same seed gives the same picture, where it can.")
@click.option("--negative", "negative_prompt", metavar="TEXT", help="What must not be there.")
@click.option("--image", metavar="FILE|URL", help="Picture to start from, where a runner can.")
@click.option("--task", type=click.Choice(_TASKS), help="What to do with --image.")
@work_options
def command(
    prompt: str,
    output: str | None,
    batch: str | None,
    out: Path | None,
    fresh: bool,
    form: str | None,
    work: Work,
    **wishes: Any,
) -> int:
    """Make a picture and print its file's name.

    PROMPT says what to draw; - reads it from standard input. Without FILE it is picture.png here,
    or picture-2.png and so on. Several pictures are FILE-1, FILE-2, …

    With --batch each line of a file is a prompt, and the pictures go to the folder --out. What is
    there already is not made again: after a failure, or a kill, run the same command once more.
    """
    wishes = given(**_params(wishes), **wishes)
    if batch is not None:
        if prompt or output or out is None:
            raise click.UsageError("--batch FILE needs --out DIR, and neither PROMPT nor --output.")
        wishes["format"] = form or _FORMATS[0]
        return draw_all(prompts_in(batch), out, wishes, work, fresh=fresh)
    if out is not None or fresh or form is not None:
        raise click.UsageError("--out, --fresh and --format go with --batch FILE.")
    task = wishes.get("params", {}).get("task")
    if not prompt and not task:
        raise click.UsageError("Missing argument 'PROMPT': say what to draw.")
    chosen: Any = format_of(output, _FORMATS)
    target = FileOf(Path(output) if output else free_name(f"picture.{chosen}"))
    request = DrawRequest((text_of(prompt or task),), format=chosen, **work.route, **wishes)
    saved: list[str] = []
    view = Watched(JsonView() if work.json else PictureView(saved))
    code = answer(work, request, view, keep=lambda result: saved.extend(_store(result, target)))
    return FAILED if code == DONE and view.lost else code


def _params(wishes: dict[str, Any]) -> dict[str, Any]:
    """What only some runners know, as parameters of the request; taken out of `wishes`."""
    image, task = wishes.pop("image"), wishes.pop("task")
    params = {"task": task} if task else {}
    if image:
        params["image"] = image if "://" in image else _data_uri(image)
    elif task:
        raise click.UsageError(f"--task {task} needs --image FILE.")
    return {"params": params} if params else {}


def _data_uri(name: str) -> str:
    data = bytes_of(name)
    mime = mime_of(data)
    if mime.removeprefix("image/") not in _FORMATS:
        raise click.UsageError(f"{name} is neither PNG, JPEG nor WebP.")
    return data_uri(data, mime)


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


class Watched:
    """Counts the pictures that failed beside those that did not."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.begin = view.begin
        self.lost = 0

    def show(self, event: AnyEvent) -> None:
        self.lost += isinstance(event, ImageFailed)
        self._view.show(event)

    def fail(self, error: RunnerError) -> None:
        self._view.fail(error)


class PictureView(PersonView):
    """Where the pictures are."""

    def __init__(self, saved: list[str]) -> None:
        super().__init__()
        self._saved = saved

    def piece(self, event: AnyEvent) -> None:
        if isinstance(event, ImageFailed):
            self.note(f"failed: {event.error.code} {event.error.message}")

    def whole(self, result: Result) -> None:
        self.text("".join(f"{place}\n" for place in self._saved))
        for picture in result.images if isinstance(result, Pictures) else ():
            seed = f", seed {picture.seed}" if picture.seed is not None else ""
            self.note(f"{picture.width}x{picture.height} {picture.mime}{seed}")
        if said := spending(result):
            self.note(said)
