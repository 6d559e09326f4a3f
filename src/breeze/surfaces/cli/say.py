"""`breeze say`: text to speech, into a file or a pipe."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from breeze.contracts.answers import Result, Speech
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import AnyEvent, AudioChunk, Progress, Restarted
from breeze.contracts.requests import AUDIO_FORMATS, SpeakRequest
from breeze.contracts.wav import close_wav
from breeze.surfaces.cli._exit import DONE
from breeze.surfaces.cli._files import FileOf, format_of, free_name
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._options import Work, text_of, work_options
from breeze.surfaces.cli._run import answer
from breeze.surfaces.cli._terminal import is_terminal
from breeze.surfaces.cli._view import PersonView
from breeze.surfaces.cli._voices import show_voices


@click.command("say")
@click.argument("text", default="")
@click.option("-o", "--output", metavar="FILE", help="Its ending picks the format; - is a pipe.")
@click.option("--format", "form", type=click.Choice(AUDIO_FORMATS), help="Else as FILE ends: wav.")
@click.option("--voice", default="", help="Else the runner's own.")
@click.option("--list-voices", is_flag=True, help="Show the voices instead of speaking.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="0.25 to 4.")
@click.option("--language", default="", metavar="TAG", help="Such as en-US.")
@work_options
def command(
    text: str,
    list_voices: bool,
    output: str | None,
    form: str | None,
    voice: str,
    speed: float,
    language: str,
    work: Work,
) -> int:
    """Speak a text into a file and print its name.

    TEXT is what to say, or - to read it from standard input. Without FILE it is speech.wav here,
    or speech-2.wav and so on.
    """
    if list_voices:
        show_voices(work)
        return DONE
    if not text:
        raise click.UsageError("Missing argument 'TEXT': say what to speak.")
    form = form or format_of(output, AUDIO_FORMATS)
    request = SpeakRequest(
        text_of(text), voice=voice, speed=speed, format=form, language=language, **work.route
    )
    if output == "-":
        return answer(work, request, _pipe(work))
    file = FileOf(Path(output) if output else free_name(f"speech.{form}"))
    view = JsonView() if work.json else SpeechView(file)
    return answer(work, request, view, keep=lambda result: file.write(_sound(result)))


def _sound(result: Result) -> bytes:
    assert isinstance(result, Speech)
    return close_wav(result.audio) if result.format == "wav" else result.audio


def _pipe(work: Work) -> PipeView:
    if work.json:
        raise click.UsageError("-o - and --json both want standard output: choose one.")
    if is_terminal(sys.stdout):
        raise click.UsageError("-o - is for a pipe, and this is a terminal: name a file.")
    return PipeView()


class SpeechView(PersonView):
    """Where the sound is."""

    def __init__(self, file: FileOf) -> None:
        super().__init__()
        self._file = file

    def piece(self, event: AnyEvent) -> None:
        if isinstance(event, AudioChunk):
            self.bar.show(Progress("speaking"))

    def whole(self, result: Result) -> None:
        self.text(f"{self._file.path}\n")
        if isinstance(result, Speech):
            self.note(f"{result.duration:.2f} s of {result.format}, {result.sample_rate} Hz")


class PipeView(PersonView):
    """The sound itself, as it comes."""

    def piece(self, event: AnyEvent) -> None:
        if isinstance(event, AudioChunk):
            self.bar.end()
            sys.stdout.buffer.write(event.data)
            sys.stdout.buffer.flush()

    def show(self, event: AnyEvent) -> None:
        if isinstance(event, Restarted):
            raise ProcessingError(
                f"{event.from_runner} failed after sound was written to the pipe, which cannot be "
                "taken back. Say it again, or use -o FILE.",
                detail="cut",
            )
        super().show(event)
