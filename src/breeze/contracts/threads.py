"""The one bridge from blocking code to a stream, with a bounded buffer (seeds/001: 50).

A slow reader fills the buffer and so stops the producer; closing the stream tells the producer to
stop and waits until it has, so that nothing native outlives its lease.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")
BUFFER = 50
"""Events between a producer and its reader."""
PACE = 1 / 60
"""Seconds between two wake-ups of a reader: what comes sooner waits to come together.

A small model makes thousands of tokens a second, more than any screen shows, and waking the loop
for each would cost a third of that speed. The first event after a pause, the end and a full buffer
never wait.
"""
JOINED = 8
"""At most so many events become one, so that a short answer still comes in pieces."""
Join = Callable[[T, T], T | None]
"""Makes one of two neighbours that became ready together, where they can be one."""


class Outlet(Generic[T]):
    """The producer's end. `send` may be called from any thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, capacity: int, join: Join[T] | None = None
    ) -> None:
        self._loop = loop
        self._capacity = capacity
        self._join = join
        self._items: deque[T] = deque()
        self._room = threading.Condition()
        self._ready = asyncio.Event()
        self._told = False
        self._urged = False
        self._pause: asyncio.TimerHandle | None = None
        self._error: BaseException | None = None
        self._done = False
        self.closed = False
        """True once the reader has gone: stop working."""

    def send(self, item: T) -> bool:
        """Hand over `item`, waiting while the buffer is full. False: stop, nobody listens."""
        with self._room:
            while len(self._items) >= self._capacity and not self.closed:
                self._room.wait()
            if self.closed:
                return False
            self._items.append(item)
            full = len(self._items) >= self._capacity
        if full and not self._urged:
            self._urged, self._told = True, False
        self._tell()
        return True

    def _tell(self) -> None:
        """Wake the reader, once for everything that became ready since it last listened."""
        if not self._told:
            self._told = True
            self._loop.call_soon_threadsafe(self._ready.set)

    async def _woken(self) -> None:
        """Wait to be told, and listen again after `PACE`."""
        await self._ready.wait()
        self._ready.clear()
        self._urged = False
        if self._pause is None:
            self._pause = self._loop.call_later(PACE, self._listen)

    def _listen(self) -> None:
        self._pause, self._told = None, False
        if self._items or self._done:
            self._ready.set()

    def _run(self, produce: Callable[[Outlet[T]], None]) -> None:
        try:
            produce(self)
        except BaseException as error:  # carried over and raised in the reader
            self._error = error
        self._done = True
        self._told = False
        self._tell()

    def _close(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        with self._room:
            self.closed = True
            self._items.clear()
            self._room.notify_all()

    def _take(self) -> T:
        with self._room:
            item, others = self._items.popleft(), JOINED - 1
            while others and self._join and self._items:
                if (both := self._join(item, self._items[0])) is None:
                    break
                self._items.popleft()
                item, others = both, others - 1
            self._room.notify()
        return item


async def from_thread(
    produce: Callable[[Outlet[T]], None], *, buffer: int = BUFFER, join: Join[T] | None = None
) -> AsyncGenerator[T]:
    """What `produce(outlet)` sends from a thread of its own, as an async generator.

    `join` makes fewer of what comes fast (see `PACE`). Raises what `produce` raises, which must
    return soon after `outlet.send` gave False or `outlet.closed` became true.
    """
    outlet: Outlet[T] = Outlet(asyncio.get_running_loop(), buffer, join)
    thread = threading.Thread(target=outlet._run, args=(produce,), daemon=True, name="breeze-work")
    thread.start()
    try:
        while True:
            while outlet._items:
                yield outlet._take()
            if outlet._done and not outlet._items:
                break
            await outlet._woken()
        if outlet._error is not None:
            raise outlet._error
    finally:
        outlet._close()
        await _ended(outlet)
        thread.join()


async def _ended(outlet: Outlet[T]) -> None:
    """Wait until the producer is done, even while this task is being cancelled."""
    cancelled = False
    while True:
        outlet._ready.clear()
        outlet._told = False
        if outlet._done:  # looked at after the clear, so that its wake-up is never missed
            break
        try:
            await outlet._ready.wait()
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError


async def in_thread(make: Callable[[], T], undo: Callable[[T], object]) -> T:
    """What blocking `make` makes in a thread, such as a native model while it is loaded.

    Such work cannot be stopped halfway. A cancellation therefore waits for its end, lets `undo`
    free what was made, likewise in a thread, and only then goes on: nothing is left behind, and
    the memory counts as taken until it is free. Raises what `make` raises.
    """
    work = asyncio.ensure_future(asyncio.to_thread(make))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await _whatever_comes(work)
        if not work.cancelled() and work.exception() is None:
            await _whatever_comes(asyncio.ensure_future(asyncio.to_thread(undo, work.result())))
        raise


async def _whatever_comes(work: asyncio.Future[Any]) -> None:
    """Wait for the end of `work`, however often this task is cancelled. Its error is kept there."""
    while not work.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait((work,))
