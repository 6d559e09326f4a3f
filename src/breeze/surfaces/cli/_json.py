"""The view of a program: every event as one line of JSON, and nothing else."""

from __future__ import annotations

import sys

from breeze.contracts.errors import ErrorInfo, RunnerError
from breeze.contracts.events import AnyEvent
from breeze.contracts.wire import encode


class JsonView:
    """Writes the wire's own lines; a failure is a line with `"type": "error"`."""

    def begin(self) -> None:
        """Nothing to say yet."""

    def show(self, event: AnyEvent) -> None:
        _line(event)

    def fail(self, error: RunnerError) -> None:
        _line(error.info())


def _line(value: AnyEvent | ErrorInfo) -> None:
    sys.stdout.buffer.write(encode(value) + b"\n")
    sys.stdout.buffer.flush()
