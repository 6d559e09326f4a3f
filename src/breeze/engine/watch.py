"""Ends a wait from outside, with a reason, without a timer or a task per event.

    with watch:
        event = await events.__anext__()

`watch.fire(error)` from elsewhere cancels that wait; what was awaited sees asyncio's cancellation
and cleans up; the `with` turns it into `error`. A cancellation of the caller's own task passes.

Inside the wait, a layer may have a limit of its own: `interrupt` cancels the wait for it, and the
layer that sees the cancellation asks `was_ours` before it turns it into its own error.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from breeze.contracts.errors import RunnerError


class Watch:
    """Guards one `await` at a time."""

    __slots__ = ("_cancelling", "_sent", "_task", "reason")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._sent = False
        self.reason: RunnerError | None = None

    @property
    def waiting(self) -> bool:
        """True while an await is guarded."""
        return self._task is not None

    def fire(self, reason: RunnerError) -> bool:
        """End the present wait, or refuse the next. False when it had fired before."""
        if self.reason is not None:
            return False
        self.reason = reason
        if self._task is not None and not self._sent:
            self._sent = True
            self._task.cancel()
        return True

    def interrupt(self) -> bool:
        """Cancel the present wait for a layer inside it. False when there is none to cancel."""
        if self._task is None or self._sent:
            return False
        self._task.cancel()
        return True

    def was_ours(self) -> bool:
        """After `interrupt`, where the cancellation arrives: True when nobody else cancelled."""
        return self._task is not None and self._task.uncancel() <= self._cancelling

    def __enter__(self) -> None:
        if self.reason is not None:
            raise self.reason
        task = self._task = asyncio.current_task()
        if task is not None:
            self._cancelling = task.cancelling()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        if not self._sent:
            return
        self._sent = False
        ours = task is not None and task.uncancel() <= self._cancelling
        if ours and (kind is None or kind is asyncio.CancelledError):
            assert self.reason is not None
            raise self.reason from None
