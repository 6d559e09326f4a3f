"""A bar on standard error for anything that takes over a second, if a terminal is there."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

from breeze.contracts.events import Progress
from breeze.surfaces.cli._terminal import harmless, is_terminal

if TYPE_CHECKING:
    import rich.progress

PATIENCE = 1.0
"""Seconds that nobody minds; a bar before that would only flicker."""


class Bar:
    """Appears when a second has passed, shows the latest `Progress`, and goes without a trace."""

    def __init__(self) -> None:
        self._wanted = is_terminal(sys.stderr)
        self._started = time.perf_counter()
        self._timer: asyncio.TimerHandle | None = None
        self._bar: rich.progress.Progress | None = None
        self._latest = Progress("waiting for an answer")

    def begin(self) -> None:
        """Start to count the seconds. Needs a running loop."""
        self._started = time.perf_counter()
        if self._wanted:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._draw)

    def show(self, event: Progress) -> None:
        """How far the work is."""
        self._latest = event
        if self._wanted and time.perf_counter() - self._started >= PATIENCE:
            self._draw()

    def aside(self) -> None:
        """Make room for a line; the next progress draws the bar again."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def end(self) -> None:
        """There is an answer, or none will come."""
        self._wanted = False
        if self._timer is not None:
            self._timer.cancel()
        self.aside()

    def _draw(self) -> None:
        event = self._latest
        if self._bar is None:
            self._bar = _rich_bar()
            self._bar.add_task(harmless(event.stage), total=None)
            self._bar.start()
        self._bar.update(
            self._bar.task_ids[0],
            description=harmless(event.stage),
            completed=event.done,
            total=event.total or None,
        )


def _rich_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
