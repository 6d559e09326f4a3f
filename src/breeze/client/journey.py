"""One request on its way: sent, read piece by piece, and taken up again when the way breaks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from breeze.client.connection import Connection
from breeze.client.lines import Frames, Lines
from breeze.client.problems import Lost, Unreachable, cut, stranger, unanswered
from breeze.contracts.clock import Clock, Timer
from breeze.contracts.errors import NotFoundError, RunnerError

if TYPE_CHECKING:
    from aiohttp import ClientResponse

T = TypeVar("T")
ACCEPT = "application/x-ndjson, text/event-stream;q=0.5"
_SPLITTERS = {"application/x-ndjson": Lines, "text/event-stream": Frames}
_TAIL = 1.0
"""Seconds to wait, after the end came, for the connection to say that nothing follows."""
_FAREWELL = 2.0
"""Seconds to try to tell the server that nobody will come back."""
_STABLE = 1.0
"""Seconds after which a connection counts as restored although no event came."""
_WAITS = (0.05, 2.0)
"""Seconds between two attempts to reconnect: the first, the longest."""


class Journey:
    """Carries one request. `open`: sends it, once, when the first message is asked for.

    `silence`: seconds without a sign of life after which a begun answer counts as lost.
    `resume`: seconds for which to try to take it up again; None gives up at once.
    """

    def __init__(
        self,
        connection: Connection,
        request_id: str,
        open: Callable[[], Awaitable[ClientResponse]],
        clock: Clock,
        silence: float,
        resume: float | None,
    ) -> None:
        self._connection = connection
        self._path = f"/v2/requests/{quote(request_id, safe='')}"
        self._open = open
        self._clock = clock
        self._silence = silence
        self._resume = resume
        self._response: ClientResponse | None = None
        self._lines = Lines()
        self._under_way: asyncio.Task[Any] | None = None
        self._watch: Timer | None = None
        self._heard = 0.0
        self._taken = 0.0
        self._lost_at: float | None = None
        self._waits = _waits()
        self._sent = False
        self.received = 0
        self.begun = False
        self.headers: Mapping[str, str] = {}

    async def messages(self) -> list[bytes]:
        """The next messages, at least one. Raises RunnerError when there are no more."""
        while True:
            try:
                if self._response is None:
                    await self._begin()
                if found := await self._read():
                    self.received += len(found)
                    return found
            except Lost as lost:
                await self._again(str(lost))

    async def more(self) -> bool:
        """Whether anything comes after the end; waits a moment for the connection to close."""
        if self._response is None:
            return False
        timer = self._clock.call_later(_TAIL, self._response.close)
        try:
            while data := await self._response.content.readany():
                if self._lines.feed(data):
                    return True
        except Exception:  # however the connection goes, nothing has come after the end
            return False
        finally:
            timer.cancel()
        return False

    def stop(self) -> None:
        """Break off at once; who waits for messages is woken."""
        if self._under_way is not None:
            self._under_way.cancel()
        if self._response is not None:
            self._response.close()

    async def end(self, *, arrived: bool) -> None:
        """Free the connection. Unless the answer has `arrived`, the server stops working."""
        self.stop()
        if self._watch is not None:
            self._watch.cancel()
        if self._sent and not arrived and self._resume is not None:
            await self._disown()

    # inside -------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._sent = True
        try:
            response = await self._stoppable(self._open())
        except RunnerError:
            self._sent = False  # it was refused, or never got there
            raise
        self._take(response)

    def _take(self, response: ClientResponse) -> None:
        kind = response.content_type
        if kind not in _SPLITTERS:
            response.close()
            raise stranger(self._connection.place, response.status, "", b"<" * ("html" in kind))
        self._response = response
        self._lines = _SPLITTERS[kind]()
        if not self.begun:
            self.begun = True
            self.headers = response.headers
        self._heard = self._taken = self._clock.now()
        self._look()

    async def _read(self) -> list[bytes]:
        assert self._response is not None
        with self._connection.failures():
            data = await self._response.content.readany()
        if not data:
            raise Lost("it ended without an end")
        self._heard = self._clock.now()
        found = self._lines.feed(data)
        if found or self._heard - self._taken > _STABLE:
            self._lost_at, self._waits = None, _waits()
        return found

    def _look(self) -> None:
        """Take the connection for dead when nothing, not even a sign of life, came for long."""
        assert self._response is not None
        left = self._heard + self._silence - self._clock.now()
        if left <= 0:
            self._response.close()
        else:
            self._watch = self._clock.call_later(left, self._look)

    async def _again(self, why: str) -> None:
        """Take the answer up where it broke off. Raises RunnerError when that cannot be."""
        place, had = self._connection.place, self.received
        if self._watch is not None:
            self._watch.cancel()
        if self._response is not None:
            self._response.close()
        if self._resume is None:
            if not self.begun:
                raise unanswered(place, why)
            remedy = "It cannot be taken up again, because nobody asked for that before it began: "
            raise cut(place, had, why, f"{remedy}open the client with resume=30, or ask again.")
        try:
            self._take(await self._stoppable(self._reconnect(self._resume)))
        except NotFoundError as error:
            if not self.begun:
                raise unanswered(place, why) from error
            raise cut(place, had, why, "The server no longer knows it. Ask again.") from error
        except Unreachable as error:
            remedy = f"The server could not be reached again in {self._resume:g} s. Ask again."
            raise cut(place, had, why, remedy) from error
        except RunnerError as error:
            raise cut(place, had, why, f"It cannot be taken up: {error.message}") from error

    async def _reconnect(self, limit: float) -> ClientResponse:
        if self._lost_at is None:
            self._lost_at = self._clock.now()
        elif self._clock.now() - self._lost_at >= limit:
            raise Unreachable("It breaks off each time.")
        path = f"{self._path}/events?after={self.received}"
        for wait in self._waits:
            await self._clock.sleep(wait)
            try:
                return await self._connection.begin("GET", path, headers={"accept": ACCEPT})
            except (Unreachable, Lost) as error:
                if self._clock.now() - self._lost_at >= limit:
                    raise Unreachable(str(error)) from error
        raise AssertionError("waits have no end")

    async def _stoppable(self, work: Awaitable[T]) -> T:
        """`work`, which `stop` can end."""
        self._under_way = task = asyncio.ensure_future(work)
        try:
            return await task
        finally:
            self._under_way = None

    async def _disown(self) -> None:
        """Tell the server that nobody will come back; it may not hear it, and waits in vain."""
        try:
            await self._connection.ask("DELETE", self._path, dict, timeout=_FAREWELL)
        except RunnerError:
            return


def _waits() -> Iterator[float]:
    """Growing waits with some jitter, so that many clients do not come back at once."""
    wait, longest = _WAITS
    while True:
        yield wait * random.uniform(0.5, 1.0)
        wait = min(wait * 2, longest)
