"""All requests of a server that outlive their connections."""

from __future__ import annotations

from typing import Any

from breeze.contracts.clock import Clock, SystemClock
from breeze.contracts.errors import NotFoundError
from breeze.engine.stream import EventStream
from breeze.service.access import Principal, Role
from breeze.service.relay import Relay

ENDED_BYTES = 64 * 1024 * 1024
"""What the ended ones among them may keep together; the oldest is forgotten first."""


class Relays:
    """Finds a relay by its request's id."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._by_id: dict[str, Relay] = {}

    def open(self, stream: EventStream[Any], owner: str, grace: float) -> Relay:
        """Run `stream`; it goes on for `grace` seconds after its reader has left."""
        if (old := self._by_id.get(stream.request_id)) is not None:
            old.forget()  # it has ended, else the engine had refused the id
        self._make_room()
        relay = Relay(stream, owner, grace, self._clock, self._gone)
        self._by_id[relay.id] = relay
        return relay

    def find(self, request_id: str, caller: Principal) -> Relay:
        """The relay of a request of the caller's. Raises NotFoundError for any other."""
        relay = self._by_id.get(request_id)
        if relay is None or (relay.owner != caller.name and caller.role < Role.OPERATE):
            raise NotFoundError(
                f"No request {request_id!r} can be read on: it ended some time ago, was begun "
                "without x-breeze-resume, or belongs to another key.",
                field="id",
            )
        return relay

    @property
    def running(self) -> tuple[Relay, ...]:
        """Those whose work goes on."""
        return tuple(relay for relay in self._by_id.values() if not relay.ended)

    async def aclose(self) -> None:
        """Stop all of them."""
        for relay in tuple(self._by_id.values()):
            await relay.aclose()

    def _make_room(self) -> None:
        ended = [relay for relay in self._by_id.values() if relay.ended]
        size = sum(relay.size for relay in ended)
        for relay in ended:
            if size <= ENDED_BYTES:
                return
            size -= relay.size
            relay.forget()

    def _gone(self, relay: Relay) -> None:
        if self._by_id.get(relay.id) is relay:
            del self._by_id[relay.id]
