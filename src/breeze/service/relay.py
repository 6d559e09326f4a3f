"""Work that outlives a connection: its events are numbered and kept for a reader who comes back.

    relay = relays.open(engine.stream(request), owner="phone", grace=30.0)
    reader = relay.attach(after=0)
    async for number, messages in reader.batches(): ...

The work runs in a task of its own. It goes on for `grace` seconds after the last reader has left,
and is then cancelled. What was not read yet is never dropped: the work waits when there is too
much of it. What was read stays as long as there is room, for the reader who lost it on the way.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any

from breeze.contracts.clock import Clock, Timer
from breeze.contracts.errors import CancelledError, InputError, ProcessingError, RunnerError
from breeze.contracts.events import Finish
from breeze.contracts.results import cut
from breeze.contracts.wire import encode
from breeze.engine.stream import EventStream

KEPT_EVENTS = 4096
KEPT_BYTES = 8 * 1024 * 1024
"""What is kept at most. The work may be ahead of its reader by half of that."""
BATCH = 64
"""Messages that a reader takes at once."""
BEAT = 15.0
"""Seconds of silence after which a reader gets a sign of life."""
_log = logging.getLogger("breeze.server")


class Relay:
    """One request that runs whether or not somebody reads it.

    `owner`: the name of the key behind it. `last`: the number of the latest message, from 1; the
    last of all is `Finish` or an error. `error`: the error that ended it. `size`: bytes kept.
    """

    def __init__(
        self,
        stream: EventStream[Any],
        owner: str,
        grace: float,
        clock: Clock,
        on_gone: Callable[[Relay], object],
    ) -> None:
        self.stream = stream
        self.owner = owner
        self.grace = grace
        self.clock = clock
        self.ended = False
        self.gone = False
        self.error: RunnerError | None = None
        self.last = 0
        self.size = 0
        self._on_gone = on_gone
        self._old: deque[bytes] = deque()  # read, and kept for a reader who comes back
        self._new: deque[bytes] = deque()
        self._unread = 0
        self._reader: Reader | None = None
        self._room = asyncio.Event()
        self._timer: Timer | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def id(self) -> str:
        return self.stream.request_id

    @property
    def first(self) -> int:
        """The number of the oldest message that is kept."""
        return self.last - len(self._new) - len(self._old) + 1

    def attach(self, after: int) -> Reader:
        """A reader of what follows message `after`; one who still reads is sent away.

        Raises InputError (field `after`) when that is no longer kept, or not there yet.
        """
        if not 0 <= after <= self.last:
            raise InputError(
                f"after is {after}, but the last event so far is {self.last}.", field="after"
            )
        if after < self.first - 1:
            raise InputError(
                f"The events after {after} are no longer kept; the oldest is {self.first}. "
                "Send the request again.",
                field="after",
                data={"status": 409, "oldest": self.first},
            )
        if self._reader is not None:
            self._reader.displaced = True
            self._reader.news.set()
        if self._timer is not None:
            self._timer.cancel()
        self._go_to(after)
        self._reader = Reader(self)
        return self._reader

    def take(self) -> list[bytes]:
        """The next messages for the present reader; empty when there are none yet."""
        found = [self._new.popleft() for _ in range(min(BATCH, len(self._new)))]
        self._old += found
        self._unread -= sum(map(len, found))
        self._room.set()
        return found

    def leave(self, reader: Reader) -> None:
        """`reader` has gone: the time in which somebody may come back begins."""
        if self._reader is reader:
            self._reader = None
            self._wait_for_somebody()

    async def aclose(self) -> None:
        """Stop the work, and keep nothing."""
        self.forget()
        await asyncio.wait([self._task])

    def forget(self) -> None:
        """Stop the work if it still runs, and keep nothing."""
        if self.gone:
            return
        self.gone = True
        if self._timer is not None:
            self._timer.cancel()
        self._task.cancel()
        self._tell()
        self._on_gone(self)

    # inside -------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            async with self.stream as events:
                async for event in events:
                    await self._keep(encode(event))
                    if type(event) is Finish:
                        return
            raise cut(self.last)
        except RunnerError as error:
            self.error = error
            await self._keep(encode(error.info()))
        except Exception:  # a fault of the engine's: it ends the request, and the log has it
            _log.exception("request %s failed", self.id)
            self.error = ProcessingError("Something went wrong inside the server; see its log.")
            await self._keep(encode(self.error.info()))
        finally:
            self.ended = True
            self._tell()
            if self._reader is None:
                self._wait_for_somebody()

    async def _keep(self, message: bytes) -> None:
        while self._is_ahead():
            self._room.clear()
            await self._room.wait()
        self._new.append(message)
        self.last += 1
        self.size += len(message)
        self._unread += len(message)
        while self._old and self._is_full():
            self.size -= len(self._old.popleft())
        self._tell()

    def _is_ahead(self) -> bool:
        return len(self._new) >= KEPT_EVENTS // 2 or self._unread >= KEPT_BYTES // 2

    def _is_full(self) -> bool:
        return len(self._new) + len(self._old) > KEPT_EVENTS or self.size > KEPT_BYTES

    def _go_to(self, after: int) -> None:
        """Let the next message be the one after `after`."""
        while (read := self.last - len(self._new)) > after:
            self._new.appendleft(self._old.pop())
            self._unread += len(self._new[0])
        for _ in range(after - read):
            self._old.append(self._new.popleft())
            self._unread -= len(self._old[-1])
        self._room.set()

    def _tell(self) -> None:
        if self._reader is not None:
            self._reader.news.set()

    def _wait_for_somebody(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self.gone:
            self._timer = self.clock.call_later(self.grace, self.forget)


class Reader:
    """Somebody who reads a relay now."""

    def __init__(self, relay: Relay) -> None:
        self.news = asyncio.Event()
        self.displaced = False
        self._relay = relay
        self._left = False
        self._silent = False
        self._sent = 0.0
        self._beat: Timer

    def leave(self) -> None:
        """Stop reading, from elsewhere."""
        self._left = True
        self.news.set()
        self._relay.leave(self)

    async def batches(self) -> AsyncGenerator[list[bytes]]:
        """Messages as they come, several at once where there are; an empty list is a sign of life.

        The first of a list has the number after the one read before. Ends after the end of the
        work, or when somebody else reads on: then its last message is the error that says so.
        """
        relay = self._relay
        self._sent = relay.clock.now()
        self._look()
        try:
            while not (self._left or relay.gone):
                if self.displaced:
                    yield [encode(_DISPLACED.info())]
                    return
                self.news.clear()
                if found := relay.take():
                    yield found
                elif relay.ended:
                    return
                else:
                    await self.news.wait()
                    if self._silent:
                        self._silent = False
                        yield []
                        continue
                self._sent = relay.clock.now()
        finally:
            self._beat.cancel()
            relay.leave(self)

    def _look(self) -> None:
        """Wake the reader for a sign of life when nothing has come for long: one timer for all."""
        clock = self._relay.clock
        left = self._sent + BEAT - clock.now()
        if left <= 0:
            self._silent, self._sent, left = True, clock.now(), BEAT
            self.news.set()
        self._beat = clock.call_later(left, self._look)


_DISPLACED = CancelledError("Another connection reads this request's events now.")
