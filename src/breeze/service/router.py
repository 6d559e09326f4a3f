"""The router service of seeds/004 over one engine: sessions, and what they share.

service = RouterService(engine)
session = service.open()
await session.register_listener(print)
await session.send_message(AIRequest(id="1", text="Hello", session_id="s", timestamp=0))
"""

from __future__ import annotations

from collections.abc import MutableMapping

from breeze.contracts.clock import Clock, SystemClock
from breeze.engine.engine import Engine
from breeze.service.router_attachments import Uploads
from breeze.service.router_capabilities import has_capability
from breeze.service.router_limits import RouterLimits as RouterLimits
from breeze.service.router_lines import Lines
from breeze.service.router_plan import Planner
from breeze.service.router_session import Listener as Listener
from breeze.service.router_session import RouterSession as RouterSession


class RouterService:
    """One per server. `uploads` finds a file that was sent before (its id, the caller's name).

    `owners` is kept up to date: the caller's name behind each running request of the engine.
    `lines` are the sessions that are reached through a socket.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        limits: RouterLimits | None = None,
        uploads: Uploads | None = None,
        clock: Clock | None = None,
        owners: MutableMapping[str, str] | None = None,
    ) -> None:
        self.engine = engine
        self.limits = limits or RouterLimits()
        self.planner = Planner(engine, self.limits, uploads)
        self.owners: MutableMapping[str, str] = {} if owners is None else owners
        self.lines = Lines(self, clock or SystemClock())
        self._uploads = uploads is not None
        self._sessions: set[RouterSession] = set()

    def open(self, owner: str = "", *, operate: bool = False) -> RouterSession:
        """A session for a client. `operate`: it may stop the requests of others."""
        session = RouterSession(self, owner, operate=operate)
        self._sessions.add(session)
        return session

    async def has_capability(self, name: str) -> bool:
        """Whether the service can do `name` now."""
        return await has_capability(self.engine, name, uploads=self._uploads)

    def cancel_anywhere(self, request_id: str) -> bool:
        """Stop the requests with this id (the client's or the engine's) of whatever client."""
        found = [
            live
            for session in self._sessions
            for live in session.live.values()
            if request_id in (live.asked.id, live.answer.engine_request_id)
        ]
        stopped = [live.cancel() for live in found]
        return any(stopped)

    def forget(self, session: RouterSession) -> None:
        """The session is closed."""
        self._sessions.discard(session)

    async def close(self) -> None:
        """Stop every request of every client, parked ones too."""
        await self.lines.close()
        for session in tuple(self._sessions):
            await session.close()
