"""How a command ends: the exit code of each outcome, and one line on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from breeze.contracts.errors import (
    BlockedError,
    CancelledError,
    CapabilityError,
    InputError,
    NotFoundError,
    RunnerError,
    TooLargeError,
    UnavailableError,
)
from breeze.surfaces.cli._terminal import complain

DONE, USAGE, BLOCKED, NO_RUNNER, FAILED, CANCELLED = 0, 2, 3, 4, 5, 130

_BY_TYPE: tuple[tuple[type[RunnerError], int], ...] = (
    (InputError, USAGE),
    (TooLargeError, USAGE),
    (BlockedError, BLOCKED),
    (CancelledError, CANCELLED),
    (CapabilityError, NO_RUNNER),
)


def code_of(error: RunnerError) -> int:
    """The exit code for `error`. No runner: nobody was tried, because nobody fits."""
    for kind, code in _BY_TYPE:
        if isinstance(error, kind):
            return code
    nobody = isinstance(error, NotFoundError | UnavailableError) and not error.attempts
    return NO_RUNNER if nobody and error.field in ("runner", "model") else FAILED


class Ended:
    """The exit code, once it is known."""

    code: int = DONE


@contextmanager
def exit_code() -> Iterator[Ended]:
    """Turns whatever leaves the block into an exit code, said in one line where there is a line.

    A reader that has gone (`breeze … | head`) had enough: that is no failure.
    """
    ended = Ended()
    try:
        yield ended
        sys.stdout.flush()
    except RunnerError as error:
        complain(str(error))
        ended.code = code_of(error)
    except click.ClickException as error:
        error.show()
        ended.code = error.exit_code if isinstance(error, click.UsageError) else FAILED
    except click.Abort:
        ended.code = CANCELLED
    except BrokenPipeError:
        swallow_the_rest()


def swallow_the_rest() -> None:
    """What is still buffered goes nowhere, so that the interpreter's last flush is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
