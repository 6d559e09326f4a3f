"""One stream inside a worker: its events out, as many as are let, and a live source's sound in."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import msgspec

from breeze.contracts.events import Event
from breeze.contracts.runner import Runner
from breeze.engine.worker_messages import (
    SOUNDS,
    WINDOW,
    Credit,
    Happened,
    Message,
    Run,
    Sound,
    SoundOver,
)

Send = Callable[[Message], None]


class Heard:
    """A live source whose pieces come from the engine."""

    def __init__(self, number: int, send: Send) -> None:
        self._id, self._send = number, send
        self._pieces: deque[bytes] = deque()
        self._over: SoundOver | None = None
        self._taken = 0
        self._news = asyncio.Event()

    def told(self, message: Sound | SoundOver) -> None:
        """Another piece, or the end."""
        if isinstance(message, Sound):
            self._pieces.append(message.data)
        else:
            self._over = message
        self._news.set()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._over is not None:
                raise _end(self._over)
            self._news.clear()
            await self._news.wait()
        self._taken += 1
        if self._taken >= SOUNDS // 2:
            self._send(Credit(self._id, self._taken))
            self._taken = 0
        return self._pieces.popleft()


def _end(over: SoundOver) -> Exception:
    """What ends a source: as the source itself raised it, under the same name."""
    if not over.kind:
        return StopAsyncIteration()
    kind: type[Exception] = type(over.kind, (Exception,), {})
    return kind(over.problem)


class Stream:
    """A request at work."""

    def __init__(self, run: Run, send: Send) -> None:
        self.id = run.id
        self.task: asyncio.Task[None] | None = None
        self._request: Any = run.request
        self._send = send
        self._credit = WINDOW
        self._allowed = asyncio.Event()
        self._heard = Heard(run.id, send) if run.live else None
        if run.live:
            self._request = msgspec.structs.replace(run.request, live=self._heard)

    def cancel(self) -> None:
        """Stop it where it is."""
        if self.task is not None:
            self.task.cancel()

    def told(self, message: Any) -> None:
        """More events may be sent, or there is more to hear."""
        if isinstance(message, Credit):
            self._credit += message.count
            self._allowed.set()
        elif self._heard is not None:
            self._heard.told(message)

    async def run(self, runner: Runner[Any]) -> None:
        """Send the events as they come. Raises what the runner raises."""
        first = True
        async with aclosing(runner.stream(self._request)) as events:
            async for event in events:
                if not isinstance(event, Event):
                    raise TypeError(f"{type(event).__name__} is no event")
                while not self._credit:
                    self._allowed.clear()
                    await self._allowed.wait()
                self._credit -= 1
                self._send(Happened(self.id, event))  # type: ignore[arg-type]  # one of ours
                if first:  # it goes out now, whatever the runner does to this loop next
                    first = False
                    await asyncio.sleep(0)
