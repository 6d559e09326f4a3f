"""Ends a wait from outside, with a reason, without a timer or a task per event.

    with watch:
        event = await events.__anext__()

`watch.fire(error)` from elsewhere cancels that wait; what was awaited sees asyncio's cancellation
and cleans up; the `with` turns it into `error`. A cancellation of the caller's own task passes.

A wait may also have a limit: `look` ends one that lasts longer, and `verdict` tells it from what
others have ended.
"""

from __future__ import annotations

import asyncio
from math import inf
from types import TracebackType

from breeze.contracts.errors import RunnerError

_current_task = asyncio.current_task


class Silence(Exception):
    """A wait lasted longer than its `limit`; `proven`: it was not the first one."""

    def __init__(self, limit: float, *, proven: bool) -> None:
        self.limit = limit
        self.proven = proven


class Watch:
    """Guards one `await` at a time.

    `task`: whose await is guarded, None while none is. `stopped`: it was cancelled from here.
    `since`, `limit`: when the present wait began, and the seconds it may take. `proven`: there was
    an event before it. `deadline`: when all must be over. `loop`: the running one, where it is
    known; asking costs more than all else. `loading`: the moment until which a load may last, whose
    time does not count.
    """

    # The defaults are the class's: every request has one of these, and few change them all.
    task: asyncio.Task[object] | None = None
    loop: asyncio.AbstractEventLoop | None = None
    reason: RunnerError | None = None
    stopped = False
    proven = False
    since = 0.0
    limit = inf
    deadline = inf
    loading = 0.0
    _cancelling = 0
    _cancels = 0
    _silence: Silence | None = None

    def fire(self, reason: RunnerError) -> bool:
        """End the present wait, or refuse the next. False when it had fired before."""
        if self.reason is not None:
            return False
        self.reason = reason
        self.stop()
        return True

    def stop(self) -> None:
        """Cancel the present wait, if there is one; once more, if it took no notice before."""
        task = self.task
        if task is None:
            return
        self.stopped = True
        if _current_task(self.loop) is task:  # it is told from within, and cannot cancel itself
            asyncio.get_running_loop().call_soon(self._stop_waiting, task)
            return
        self._cancels += 1
        task.cancel()

    def _stop_waiting(self, task: asyncio.Task[object] | None) -> None:
        if self.stopped and self.task is task and not self._cancels:
            self.stop()

    def look(self, now: float) -> float:
        """End the present wait if it is over its limit; the moment when to look again."""
        due = self.since + self.limit
        if due > now:
            return due
        if self.task is not None:  # else the reader is slow and not the runner
            self._silence = Silence(self.limit, proven=self.proven)
            self.stop()
        return now + self.limit

    def begin(self) -> None:
        """An await begins. Raises the reason for which it must not."""
        if self.reason is not None:
            raise self.reason
        self.resume()

    def resume(self) -> None:
        """An await begins, whatever has been said."""
        task = self.task = _current_task(self.loop)
        if task is not None:
            self._cancelling = task.cancelling()

    def pause(self) -> None:
        """The await is over, and it was not stopped: else this raises asyncio's cancellation."""
        if self.stopped:  # and what was awaited took no notice
            raise asyncio.CancelledError
        self.task = None

    def verdict(self, error: BaseException) -> BaseException:
        """What ended the await: `error`, or that it was stopped, from here or by others.

        What is raised in the wake of a stop, such as by a clean-up that fails, is that stop.
        """
        task, self.task = self.task, None
        stopped, self.stopped = self.stopped, False
        silence, self._silence = self._silence, None
        cancels, self._cancels = self._cancels, 0
        if task is None:
            return error
        for _ in range(cancels):
            task.uncancel()
        if not isinstance(error, Exception | asyncio.CancelledError):
            return error
        if task.cancelling() > self._cancelling:
            return _cancellation(error) or error
        if stopped and self.reason is not None:
            return self.reason
        if silence is not None and _cancellation(error) is not None:
            return silence
        return error

    __enter__ = begin

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.stopped:
            self.task = None
        elif self.verdict(error or asyncio.CancelledError()) is self.reason is not None:
            raise self.reason from None


def _cancellation(error: BaseException | None) -> BaseException | None:
    """The cancellation that `error` is, or in whose wake it was raised."""
    while error is not None and not isinstance(error, asyncio.CancelledError):
        error = error.__context__
    return error
