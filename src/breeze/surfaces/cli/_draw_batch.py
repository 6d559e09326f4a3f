"""Many prompts from a file into a folder; run again, it makes what is not there yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from breeze.contracts.answers import Result
from breeze.contracts.errors import CancelledError, RunnerError, UnavailableError
from breeze.contracts.events import AnyEvent, ImageFailed, ImageReady, Restarted
from breeze.contracts.requests import DrawRequest
from breeze.surfaces.cli._draw_journal import NAME, Journal
from breeze.surfaces.cli._exit import DONE, FAILED
from breeze.surfaces.cli._json import JsonView
from breeze.surfaces.cli._options import Work, text_of
from breeze.surfaces.cli._run import View, answer
from breeze.surfaces.cli._terminal import note
from breeze.surfaces.cli._view import PersonView

_PATIENCE = 86_400.0
"""Seconds that a batch may take unless --deadline says otherwise."""
_LONGEST = 40
"""Characters of a prompt that are shown."""
_FEW = 4
"""Prompts that are named when none of them was drawn."""


def prompts_in(name: str) -> list[str]:
    """One prompt a line; blank lines and those that begin with # are none."""
    if name == "-":
        text = text_of("-")
    else:
        try:
            text = Path(name).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise click.UsageError(f"{name} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise click.UsageError(f"{name} is not UTF-8 text: write one prompt a line.") from None
    found = [line.strip() for line in text.splitlines()]
    prompts = [line for line in found if line and not line.startswith("#")]
    if not prompts:
        raise click.UsageError(f"{name} holds no prompt: write one a line.")
    return prompts


def draw_all(
    prompts: Sequence[str], folder: Path, wishes: dict[str, Any], work: Work, *, fresh: bool
) -> int:
    """Draw what is not in `folder` yet. The exit code: FAILED when some of it failed."""
    work = replace(work, deadline=work.deadline or _PATIENCE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"{folder} cannot be made: {error.strerror}.") from None
    route = {"runner": work.runner, "model": work.model}
    with _alone(folder):
        journal = Journal(folder, {**wishes, **route}, prompts, fresh=fresh)
        missing = journal.missing(wishes["count"])
        if not missing:
            note(f"All {journal.there} pictures are in {folder}; --fresh makes them again.")
            return DONE
        if journal.there:
            note(f"{journal.there} pictures are there; {len(missing)} prompts to go.")
        request = DrawRequest(
            tuple(prompts[i] for i in missing),
            keys=tuple(f"{journal.run}:{i}" for i in missing),
            **wishes,
            **work.route,
        )
        names = [f"{i + 1} ({_short(prompts[i])})" for i in missing]
        inner = JsonView() if work.json else BatchView(folder, names)
        view = Saving(inner, journal, missing, wishes, here=not work.url)
        code = answer(work, request, view)
        return FAILED if code == DONE and view.lost else code


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    from breeze.config.files import locked

    with locked(folder / NAME, timeout=0.5):
        yield


class Saving:
    """Puts every picture into its file as soon as it comes, and shows the event then."""

    def __init__(
        self,
        view: View,
        journal: Journal,
        missing: Sequence[int],
        wishes: dict[str, Any],
        *,
        here: bool = True,
    ) -> None:
        self._view = view
        self._here = here  # a file that a server names is one of its own machine
        self._journal = journal
        self._missing = missing
        self._several = wishes["count"] > 1
        self._seen: Counter[int] = Counter()
        self.lost = 0

    def begin(self) -> None:
        self._view.begin()

    def show(self, event: AnyEvent) -> None:
        if isinstance(event, ImageReady):
            self._put(event)
        elif isinstance(event, ImageFailed):
            self.lost += 1
            prompt = self._missing[event.prompt]
            error = event.error
            self._journal.failed(prompt, event.number, error.code, error.message)
        elif isinstance(event, Restarted):
            self._seen.clear()
        self._view.show(event)

    def fail(self, error: RunnerError) -> None:
        self._view.fail(error)

    def _put(self, event: ImageReady) -> None:
        data = event.data
        if not data and event.file and self._here:
            data = Path(event.file).read_bytes()
        if not data:
            raise UnavailableError(
                f"The runner gave no picture but a link: {event.url or event.file}. Choose "
                "another runner."
            )
        number = self._seen[event.prompt]
        self._seen[event.prompt] += 1
        facts = {"seed": event.seed, "cost": event.cost, "several": self._several}
        self._journal.put(data, event.mime, self._missing[event.prompt], number, facts)


class BatchView(PersonView):
    """How far it is, what failed and why, and what it came to."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        super().__init__()
        self._folder = folder
        self._names = names
        self._made = 0
        self._lost = 0

    def piece(self, event: AnyEvent) -> None:
        if isinstance(event, ImageReady):
            self._made += 1
        elif isinstance(event, ImageFailed):
            self._lost += 1
            name = self._names[event.prompt]
            self.note(f"failed: {name}: {event.error.code} {event.error.message}")

    def fail(self, error: RunnerError) -> None:
        super().fail(error)
        if self._made:
            self.note(f"{self._made} pictures are in {self._folder}; run it again for the others")
        elif not isinstance(error, CancelledError):
            self.note(f"no picture was made for {_several(self._names)}")

    def whole(self, result: Result) -> None:
        lost = f", {self._lost} failed (run it again to try those once more)" if self._lost else ""
        self.text(f"{self._folder}\n")
        self.note(f"{self._made} pictures{lost}")
        if said := spending(result):
            self.note(said)


def _short(prompt: str) -> str:
    return prompt if len(prompt) <= _LONGEST else f"{prompt[:_LONGEST]}…"


def _several(names: Sequence[str]) -> str:
    """Who they are, when they are few; else how many."""
    return ", ".join(names) if len(names) <= _FEW else f"{len(names)} prompts"


def spending(result: Result) -> str:
    """What to say of the account, where little of its day is left."""
    facts = result.metadata or {}
    if "spent_today" not in facts:
        return ""
    return f"${facts['spent_today']:.4f} of the daily limit of ${facts['daily_limit']:g} are spent"
