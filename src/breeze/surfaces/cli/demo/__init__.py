"""`breeze demo`: the whole loop on this machine, in one go, with nothing pretended."""

from __future__ import annotations

from pathlib import Path

import click

from breeze.contracts.errors import CancelledError, RunnerError
from breeze.surfaces.cli._exit import CANCELLED, DONE, FAILED
from breeze.surfaces.cli._options import config_option
from breeze.surfaces.cli._run import run
from breeze.surfaces.cli._terminal import complain


@click.command("demo")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the answer's sound, its plot, and the picture.",
)
@config_option
def command(output: Path, config: Path | None) -> int:
    """Hear, judge, think, speak and see, all on this machine.

    A spoken question is recognised, checked by the guardian, answered by a language model and
    spoken; a picture is drawn and read. It fails if a step fails or if a mock takes part.
    """
    from breeze.surfaces.cli.demo.loop import play

    try:
        run(play(output, config))
    except CancelledError:
        return CANCELLED
    except RunnerError as error:
        complain(str(error))
        return FAILED
    return DONE
