"""Sessions that are reached through sockets: they may outlive one, and go on in the next."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Protocol

from breeze.contracts.clock import Clock, Timer
from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.router_frames import Listening, ListenParams, Resumed, ResumeParams
from breeze.service.router_limits import RouterLimits
from breeze.service.router_outbox import Outbox
from breeze.service.router_session import RouterSession

if TYPE_CHECKING:
    from breeze.service.router import RouterService


class Connection(Protocol):
    """A socket that a line is attached to."""

    async def taken_over(self) -> None:
        """Another socket goes on with the session: send nothing more, and close."""


class Line:
    """A session and its responses on their way. `token` resumes it; empty when nothing may."""

    def __init__(self, session: RouterSession, limits: RouterLimits) -> None:
        self.session = session
        self.outbox = Outbox(limits)
        self.token = ""
        self.resume_seconds = 0.0
        self.connection: Connection | None = None
        self.timer: Timer | None = None
        self.parked_at = 0.0

    async def listen(self, asked: ListenParams) -> Listening:
        """Deliver to the socket from now on; keep the session if that was asked for."""
        await self.session.register_listener(self.outbox.put)
        self.resume_seconds = asked.resume_seconds
        self.outbox.keeps = asked.resume_seconds > 0
        if self.outbox.keeps and not self.token:
            self.token = secrets.token_urlsafe(32)
        return Listening(self.token if self.outbox.keeps else None, asked.resume_seconds)

    async def ignore(self) -> None:
        """Deliver nothing until the next `listen`; responses wait meanwhile."""
        await self.session.unregister_listener(self.outbox.put)


class Lines:
    """The lines of one service."""

    def __init__(self, service: RouterService, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._lines: set[Line] = set()
        self._closing: set[asyncio.Task[None]] = set()

    def open(self, connection: Connection, owner: str, *, operate: bool) -> Line:
        """A new line for a socket that was accepted."""
        line = Line(self._service.open(owner, operate=operate), self._service.limits)
        line.connection = connection
        self._lines.add(line)
        return line

    async def leave(self, line: Line, connection: Connection, *, for_good: bool) -> None:
        """A socket is closed: park its line if it may be resumed, else stop its requests."""
        if line.connection is not connection:  # another socket has it now
            return
        line.connection = None
        if for_good or not line.resume_seconds:
            await self._close(line)
            return
        line.parked_at = self._clock.now()
        line.timer = self._clock.call_later(line.resume_seconds, lambda: self._expire(line))
        parked = [other for other in self._lines if other.connection is None]
        if len(parked) > self._service.limits.parked:
            await self._close(min(parked, key=lambda line: line.parked_at))

    async def resume(
        self, fresh: Line, asked: ResumeParams, connection: Connection
    ) -> tuple[Line, Resumed]:
        """Go on with a session on another socket, whose own fresh line is closed.

        Raises NotFoundError for a session that is gone, InputError for pushes that are.
        """
        line = self._find(asked.token, fresh)
        repeated = line.outbox.repeat(asked.after)
        if line.timer is not None:
            line.timer.cancel()
            line.timer = None
        before, line.connection = line.connection, connection
        if before is not None:
            await before.taken_over()
        fresh.connection = None
        await self._close(fresh)
        running = line.session.live
        return line, Resumed(line.outbox.seq, tuple(dict.fromkeys([*repeated, *running])))

    async def close(self) -> None:
        """Close every line."""
        for line in tuple(self._lines):
            await self._close(line)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _find(self, token: str, fresh: Line) -> Line:
        if fresh.session.live:
            raise InputError("Resume before the first request of a connection.", field="token")
        for line in self._lines - {fresh}:
            same = line.token and secrets.compare_digest(line.token.encode(), token.encode())
            if same and line.session.owner == fresh.session.owner:
                return line
        raise NotFoundError(
            "There is no such session (any more): register again and send the requests again.",
            field="token",
        )

    def _expire(self, line: Line) -> None:
        task = asyncio.ensure_future(self._close(line))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, line: Line) -> None:
        self._lines.discard(line)
        if line.timer is not None:
            line.timer.cancel()
            line.timer = None  # it may know the line
        await line.session.close()
        line.outbox.clear()
