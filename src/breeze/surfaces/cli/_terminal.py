"""Writing for a person: notes on standard error, text on standard output, nothing in disguise."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from typing import TextIO

import click

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def is_terminal(stream: TextIO) -> bool:
    """True when a person reads what goes to `stream`."""
    return not stream.closed and stream.isatty()


def harmless(text: str) -> str:
    """`text` without control characters: what a model says must not steer a terminal."""
    return _CONTROL.sub("", text)


def write(text: str) -> None:
    """`text` to standard output, at once; without control characters if a terminal reads it."""
    sys.stdout.write(harmless(text) if is_terminal(sys.stdout) else text)
    sys.stdout.flush()


def note(text: str, **style: object) -> None:
    """A line beside the matter, on standard error."""
    click.echo(_styled(text, **(style or {"dim": True})), err=True)


def complain(text: str) -> None:
    """What went wrong and what to do, in one line on standard error."""
    line = " ".join(harmless(text.replace("\n", " ")).split())
    click.echo(f"{_styled('breeze:', fg='red', bold=True)} {line}", err=True)


def _styled(text: str, **style: object) -> str:
    """Colours for a terminal only, and not where NO_COLOR asks for none."""
    if os.environ.get("NO_COLOR") or not is_terminal(sys.stderr):
        return harmless(text)
    return click.style(harmless(text), **style)  # type: ignore[arg-type]


def write_aside(text: str) -> None:
    """Text beside the matter, on standard error, as it comes."""
    click.echo(_styled(text, dim=True), err=True, nl=False)


def rewrite(line: str) -> None:
    """Replace the line that the cursor is on, on a terminal's standard error; '' clears it."""
    room = max(20, os.get_terminal_size(sys.stderr.fileno()).columns - 1)
    shown = _end_of(harmless(line.replace("\n", " ")), room)
    sys.stderr.write(f"\r\x1b[K{_styled(shown, dim=True)}" if shown else "\r\x1b[K")
    sys.stderr.flush()


def _end_of(line: str, room: int) -> str:
    """The end of `line` that fits into `room` columns; East Asian signs take two."""
    if sum(map(_columns, line)) <= room:
        return line
    taken, start = 1, len(line)
    while start and taken + _columns(line[start - 1]) <= room:
        start -= 1
        taken += _columns(line[start])
    return f"…{line[start:]}"


def _columns(sign: str) -> int:
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
