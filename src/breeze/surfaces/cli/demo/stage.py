"""How the demo looks: live on a terminal, line by line in a pipe."""

from __future__ import annotations

import os
import re
import shutil
import sys

import click

from breeze.contracts.answers import Moderation
from breeze.contracts.events import AnyEvent, Finish, TextDelta, Transcript, Verdict
from breeze.surfaces.cli._terminal import harmless, is_terminal

_INDENT = "   "
_PIECE = re.compile(r"\n| *[^\s]+| +")
"""A line break, or a word with the spaces before it."""


class Stage:
    """Prints steps, their events and their ends on standard output."""

    def __init__(self) -> None:
        self._live = is_terminal(sys.stdout)
        self._plain = not self._live or bool(os.environ.get("NO_COLOR"))
        self._column = 0
        self._heard = ""

    def headline(self, text: str) -> None:
        """What follows."""
        self._say(click.style(f"\n{text}\n", bold=True))

    def step(self, number: int, name: str, matter: str) -> None:
        """A step begins."""
        self._say(click.style(f"\n{number}  {name}", fg="cyan", bold=True) + f"  {matter}\n")
        self._heard = ""

    def show(self, event: AnyEvent) -> None:
        """An event of the step, as it comes."""
        match event:
            case Transcript(is_final=True):
                self._rewrite("")
                self.line(f"heard: {click.style(harmless(event.text), bold=True)}")
            case Transcript():
                self._hypothesis(event)
            case Verdict():
                self._rewrite(f"{event.status}, risk {event.risk:.2f}")
            case Finish(result=Moderation() as found):
                self._rewrite("")
                verdict = click.style(found.status, bold=True)
                self.line(f"{verdict}, risk {found.risk:.2f}")
            case TextDelta():
                self._flow(harmless(event.text))
            case _:
                pass

    def line(self, text: str) -> None:
        """A line of the step."""
        self._close()
        self._say(f"{_INDENT}{text}\n")

    def aside(self, text: str) -> None:
        """A line of less weight."""
        self.line(click.style(text, dim=True))

    def _hypothesis(self, event: Transcript) -> None:
        text = harmless(event.text)
        if text and text != self._heard:
            self._heard = text
            shown = click.style(f"… {text}", dim=True)
            if self._live:
                self._rewrite(shown)
            else:
                self.line(shown)

    def _rewrite(self, text: str) -> None:
        if self._live:
            self._say(f"\r\x1b[K{_INDENT}{text}" if text else "\r\x1b[K")
            self._column = len(text)

    def _flow(self, text: str) -> None:
        """Running text, wrapped between words at the width of the screen."""
        width = min(100, shutil.get_terminal_size().columns) - 2
        for piece in _PIECE.findall(text):
            wide = self._column + len(piece.rstrip()) > width and piece.startswith(" ")
            if piece == "\n" or wide:
                self._close()
            if piece == "\n":
                continue
            if not self._column:
                self._say(_INDENT)
                self._column, piece = len(_INDENT), piece.lstrip(" ")
            self._say(piece)
            self._column += len(piece)

    def _close(self) -> None:
        if self._column:
            self._say("\n")
            self._column = 0

    def _say(self, text: str) -> None:
        sys.stdout.write(click.unstyle(text) if self._plain else text)
        sys.stdout.flush()
