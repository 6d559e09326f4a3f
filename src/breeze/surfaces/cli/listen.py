"""`breeze listen`: speech to text."""

from __future__ import annotations

import sys
from typing import Literal

import click

from breeze.contracts.errors import RunnerError
from breeze.contracts.events import AnyEvent, Transcript
from breeze.contracts.requests import TranscribeRequest
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._options import Work, bytes_of, given, work_options
from breeze.surfaces.cli._run import answer
from breeze.surfaces.cli._terminal import is_terminal, rewrite
from breeze.surfaces.cli._view import PersonView


@click.command("listen")
@click.argument("file")
@click.option("--language", default="en-US", show_default=True, metavar="TAG", help="Spoken.")
@click.option("--prompt", default="", metavar="TEXT", help="Words to expect.")
@click.option("--sample-rate", type=int, help="FILE is raw 16-bit mono PCM of this rate.")
@click.option(
    "--timestamps",
    type=click.Choice(("none", "segment", "word")),
    help="Show when it was said.",
)
@work_options
def command(
    file: str,
    language: str,
    prompt: str,
    sample_rate: int | None,
    timestamps: Literal["none", "segment", "word"] | None,
    work: Work,
) -> int:
    """Write down what is said.

    FILE is any sound file, or - to read one from standard input.
    """
    request = TranscribeRequest(
        audio=bytes_of(file),
        language=language,
        prompt=prompt,
        sample_rate=sample_rate,
        **work.route,
        **given(timestamps=timestamps),
    )
    return answer(work, request, JsonView() if work.json else ListenView(timestamps or "none"))


class ListenView(PersonView):
    """Each segment on a line of its own; on a terminal, what was understood so far below it."""

    def __init__(self, timestamps: str = "none") -> None:
        super().__init__()
        self._timestamps = timestamps
        self._live = is_terminal(sys.stderr)
        self._partial = False

    def piece(self, event: AnyEvent) -> None:
        if not isinstance(event, Transcript):
            return
        self.bar.end()
        if event.is_final:
            self._clear()
            self.text("".join(f"{line}\n" for line in self._lines(event)))
        elif self._live:
            self._partial = True
            rewrite(f"… {event.text}")

    def fail(self, error: RunnerError) -> None:
        self._clear()
        super().fail(error)

    def note(self, text: str) -> None:
        self._clear()
        super().note(text)

    def _lines(self, event: Transcript) -> list[str]:
        if self._timestamps == "word" and event.words:
            return [f"{word.start:8.2f} {word.end:8.2f}  {word.text}" for word in event.words]
        if self._timestamps != "none":
            return [f"{event.start:8.2f} {event.end:8.2f}  {event.text}"]
        return [event.text] if event.text else []

    def _clear(self) -> None:
        if self._partial:
            self._partial = False
            rewrite("")
