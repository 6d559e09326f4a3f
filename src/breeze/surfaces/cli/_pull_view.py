"""How far a pull is: a bar with speed and time left on a terminal, lines for a program."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from breeze.contracts.events import Finish, Progress
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._terminal import harmless, is_terminal
from breeze.surfaces.cli._units import duration, size

if TYPE_CHECKING:
    import rich.progress

_STAGES = {
    "resolve": "asking what there is",
    "pull": "fetching",
    "wait": "waiting",
    "unpack": "unpacking",
    "check": "looking at the files",
    "publish": "putting in place",
}


class PullView:
    """Shows the events of a pull. `json`: each as a line, and no bar."""

    def __init__(self, json: bool) -> None:
        self.json = json
        self._bar: rich.progress.Progress | None = None

    def __enter__(self) -> Self:
        if not self.json and is_terminal(sys.stderr):
            self._bar = _bar()
            self._bar.add_task("asking what there is", total=None, told="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def show(self, event: Progress | Finish) -> None:
        """The next event."""
        if self.json:
            JsonView().show(event)
        elif self._bar is not None and isinstance(event, Progress):
            self._bar.update(
                self._bar.task_ids[0],
                description=harmless(_STAGES.get(event.stage, event.stage)),
                completed=event.done,
                total=event.total or None,
                told=told(event),
            )


def shares(event: Progress) -> str:
    """Such as `37 % of 1.2 GB`."""
    if not event.total:
        return size(event.done) or "0 B"
    return f"{100 * event.done / event.total:.0f} % of {size(event.total)}"


def told(event: Progress) -> str:
    """Such as `440 MB of 1.2 GB · 12.5 MB/s · 1 min 2 s left`."""
    parts = [f"{size(event.done) or '0 B'} of {size(event.total)}" if event.total else ""]
    if speed := (event.metadata or {}).get("bytes_per_second"):
        parts.append(f"{size(float(speed))}/s")
    if event.eta is not None:
        parts.append(f"{duration(event.eta)} left")
    return " · ".join(filter(None, parts))


def _bar() -> rich.progress.Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[told]}", markup=False),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
