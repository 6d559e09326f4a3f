"""No more requests at once than the account may have: the others wait here, not at the vendor."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from breeze.runners._http_answer import Answer

_LIMIT = "maximum-concurrent-requests"


class Turns:
    """Requests take turns once an answer has told how many there may be at once."""

    def __init__(self) -> None:
        self.most = 0
        """0 while it is not known."""
        self.running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def learn(self, answer: Answer) -> None:
        """Take over what an answer tells of the limit."""
        said = answer.header(_LIMIT)
        if said.isascii() and said.isdecimal() and int(said):
            self.most = int(said)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until there is room, and take it for the time of the block."""
        while self.most and self.running >= self.most:
            await self._wait()
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._next()

    async def _wait(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # it was ours, and we do not take it
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
