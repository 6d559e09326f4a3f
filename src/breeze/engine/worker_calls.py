"""What is asked of a worker, and what has come of it so far."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Callable
from typing import Any

from breeze.contracts.clock import Clock
from breeze.contracts.errors import RunnerError
from breeze.engine.worker_frames import BrokenFrame
from breeze.engine.worker_messages import SOUNDS, WINDOW, Credit, Message, Sound, SoundOver
from breeze.engine.worker_pulse import Limit

RELEASE = 0.08
"""Seconds that who cancels waits for the work to stop, at most."""

Send = Callable[[Message], None]


class Call:
    """One question. `over`: nothing more will come; `error`: why, when it failed.

    `items`: events that have come and were not taken; `left`: nobody takes them any more.
    """

    __slots__ = ("_send", "_taken", "_waiter", "error", "id", "items", "left", "limit", "over",
                 "room", "source_error")  # fmt: skip

    def __init__(self, number: int, send: Send) -> None:
        self.id = number
        self.items: deque[Any] = deque()
        self.over = self.left = False
        self.error: RunnerError | None = None
        self.limit: Limit | None = None
        self.room = SOUNDS
        self.source_error: RunnerError | None = None
        self._send = send
        self._taken = 0
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: Any) -> None:
        """Another item has come. Raises BrokenFrame when it was not to come yet."""
        if self.left:
            return
        if len(self.items) >= WINDOW:
            raise BrokenFrame("more events than it was given leave to send")
        self.items.append(item)
        self.wake()

    def take(self) -> Any:
        """The next of the items; who sends them may send more."""
        self._taken += 1
        if self._taken >= WINDOW // 2:
            self._send(Credit(self.id, self._taken))
            self._taken = 0
        return self.items.popleft()

    def end(self, error: RunnerError | None = None) -> None:
        """Nothing more will come."""
        self.over, self.error = True, error
        if self.limit is not None:
            self.limit.cancel()
        self.wake()

    def wake(self) -> None:
        """Something is different."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def news(self) -> None:
        """Wait until something is different."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def answer(self) -> Any:
        """The one item, if any. Raises what it failed with."""
        while not self.over:
            await self.news()
        if self.error is not None:
            raise self.error
        return self.items[0] if self.items else None

    async def leave(self, clock: Clock) -> None:
        """Nobody takes its items any more: wait for its end, but not for long."""
        self.left = True
        self.items.clear()
        late = False

        def release() -> None:
            nonlocal late
            late = True
            self.wake()

        timer = clock.call_later(RELEASE, release)
        try:
            while not self.over and not late:
                await self.news()
        finally:
            timer.cancel()


class Feeding:
    """Sends the pieces of a live source as there is room for them, which is woken by `give`."""

    def __init__(self, call: Call, live: AsyncIterable[bytes], send: Send) -> None:
        self._call, self._live, self._send = call, live, send
        self._roomy = asyncio.Event()
        self._task = asyncio.create_task(self._feed())

    def give(self, count: int) -> None:
        """So many more pieces may be sent. Raises BrokenFrame when it had not got so many."""
        if not 0 < count <= SOUNDS - self._call.room:
            raise BrokenFrame(f"leave to send {count} more pieces of sound")
        self._call.room += count
        self._roomy.set()

    async def _feed(self) -> None:
        number, pieces = self._call.id, aiter(self._live)
        try:
            async for piece in pieces:
                if not isinstance(piece, bytes | bytearray | memoryview):
                    raise TypeError(f"a piece of it is {type(piece).__name__}")
                while not self._call.room:
                    self._roomy.clear()
                    await self._roomy.wait()
                self._call.room -= 1
                self._send(Sound(number, bytes(piece)))
            self._send(SoundOver(number))
        except Exception as error:  # the source is the caller's: whatever it raises
            self._call.source_error = error if isinstance(error, RunnerError) else None
            self._send(SoundOver(number, type(error).__name__, str(error)))
        finally:
            if (close := getattr(pieces, "aclose", None)) is not None:
                await close()

    async def stop(self) -> None:
        """Leave the source, and wait until it has been left."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
