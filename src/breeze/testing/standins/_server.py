"""A vendor on this machine, for tests and rehearsals of bad days.

    async with OpenAIStandin.serving() as vendor:
        vendor.fault("stream-cut", after=2)        # for the next request
        ...                                        # a client that is given vendor.url
        assert vendor.calls[0].json["stream"]

Which fault is played: the one queued, else that of the header `x-standin: stream-cut;after=2`,
else that of a model named `standin-stream-cut`. It binds to 127.0.0.1 and sends nothing anywhere.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Self

import msgspec

from breeze.testing.standins._call import LONGEST_HEAD, Call, Part, read_call
from breeze.testing.standins._dialect import Dialect, Handler
from breeze.testing.standins._fault import (
    HEADER,
    MODEL,
    Fault,
    Order,
    Scene,
    UnknownFaultError,
    ordered,
)
from breeze.testing.standins._reply import JSON, SSE, Player, Reply, event

__all__ = ["JSON", "SSE", "Call", "Fault", "Handler", "Part", "Reply", "Scene", "Standin", "event"]

_GONE = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError)


@dataclass
class _Queued:
    order: Order
    times: int | None
    on: str


class Standin(Dialect):
    """Base of the stand-ins: one subclass for each dialect."""

    def __init__(self, *, profile: str = "", key: str = "test-key", pace: float = 0.0) -> None:
        if profile and profile not in self.profiles:
            known = ", ".join(self.profiles) or "none"
            raise ValueError(f"{self.name} has no profile {profile!r}: there is {known}")
        self.profile = profile or next(iter(self.profiles), "")
        self.key = key
        self.pace = pace
        self.url = ""
        self.origin = ""
        self.ca_pem = b""
        """With TLS: the certificate of the authority to trust."""
        self.calls: list[Call] = []
        self.connections = 0
        self.open_connections = 0
        self.problems: list[str] = []
        """What should not have been: unexpected routes, keys in addresses, broken handlers."""
        self.on_call: Callable[[Call], object] | None = None
        """Called when a request is over."""
        self.port = 0
        self._tls: ssl.SSLContext | None = None
        self._listening: asyncio.Server | None = None
        self.now: Callable[[], float] = asyncio.get_running_loop().time
        """Tells the time at which calls come and end."""
        self._queue: list[_Queued] = []
        self._players: set[Player] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._released = asyncio.Event()
        self._served: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @classmethod
    @asynccontextmanager
    async def serving(
        cls,
        *,
        port: int = 0,
        profile: str = "",
        key: str = "test-key",
        tls: bool = False,
        pace: float = 0.0,
        strict: bool = True,
    ) -> AsyncIterator[Self]:
        """Serve for the time of the block.

        With `strict` its end raises AssertionError when a queued fault was not played, a route was
        asked that is not served, or a key stood in an address.
        """
        vendor = cls(profile=profile, key=key, pace=pace)
        await vendor._begin(port, tls)
        try:
            yield vendor
        finally:
            await vendor._stop()
        if strict:
            left = [f"never played: {q.order}" for q in vendor._queue if q.times is not None]
            if vendor.problems or left:
                raise AssertionError("; ".join([*vendor.problems, *left]))

    def fault(self, name: str, *, times: int | None = 1, on: str = "", **values: object) -> None:
        """Play it for the next requests. `times=None`: for all; `on`: only where method and path
        begin so, as in `on="POST /chat"`. A name may carry its values: `stream-cut;after=2`."""
        given = "".join(f";{key}={value}" for key, value in values.items())
        self._queue.append(_Queued(ordered(name + given, self.all_faults()), times, on))

    def heal(self) -> None:
        """Forget every fault that is queued."""
        self._queue.clear()

    def release(self) -> None:
        """End all silences: what is silent closes its connection."""
        self._released.set()
        self._released = asyncio.Event()

    @property
    def at_rest(self) -> bool:
        """True while nothing runs but silences and what never ends."""
        return all(player.at_rest for player in self._players)

    async def idle(self) -> None:
        """Return when no request runs."""
        await self._idle.wait()

    async def stop_listening(self) -> None:
        """From now on connections are refused; those that stand go on."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    async def listen(self) -> None:
        """Accept connections, on the same port as before."""
        if self._listening is None:
            self._listening = await asyncio.start_server(
                self._connected, "127.0.0.1", self.port, ssl=self._tls, limit=LONGEST_HEAD
            )
            self.port = self._listening.sockets[0].getsockname()[1]

    # Serving

    async def _begin(self, port: int, tls: bool) -> None:
        self.port = port
        if tls:
            from breeze.testing.standins._tls import authority

            self._tls, self.ca_pem = authority()
        await self.listen()
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.url = self.origin + self.base

    async def _stop(self) -> None:
        await self.stop_listening()
        self.release()
        for writer in self._served.values():
            writer.transport.abort()
        await asyncio.gather(*self._served, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served[task] = writer
        number = self.connections
        self.connections += 1
        self.open_connections += 1
        try:
            with suppress(*_GONE):
                while (call := await read_call(reader, writer, number)) is not None:
                    player = Player(reader, writer, self._released, self.pace)
                    if not (await self._answer(call, player) and call.keep_alive):
                        break
        finally:
            self.open_connections -= 1
            writer.close()
            with suppress(*_GONE):
                await writer.wait_closed()
            self._served.pop(task, None)

    async def _answer(self, call: Call, player: Player) -> bool:
        call.at = self.now()
        self.calls.append(call)
        self._players.add(player)
        self._idle.clear()
        try:
            reply = await self._reply(call)
            goes_on = await player.play(reply, head_only=call.method == "HEAD")
            call.outcome = "done" if reply.ending == "done" else "cut"
            return goes_on
        except _GONE:
            call.outcome = "left"
            raise
        except Exception as error:  # a fault of the stand-in itself: told, never swallowed
            self.problems.append(f"{call.method} {call.path} {call.fault}: {error!r}")
            call.outcome = "cut"
            return False
        finally:
            call.ended_at = self.now()
            self._players.discard(player)
            if not self._players:
                self._idle.set()
            if self.on_call is not None:
                self.on_call(call)

    async def _reply(self, call: Call) -> Reply:
        if self.key and self.key in call.target:
            self.problems.append(f"the key stood in an address: {call.method} {call.path}")
        handler = self.handler(call)
        if handler is None:
            self.problems.append(f"unexpected: {call.method} {call.path}")
            return self.unknown_route(call)
        try:
            order = self._order(call)
        except UnknownFaultError as error:
            self.problems.append(str(error))
            return Reply.json({"error": {"message": str(error)}}, 400)
        if order is None:
            return await self._usual(call, handler)
        call.fault = str(order)
        before = order.fault.phase == "before"
        reply = Reply() if before else await self._usual(call, handler)
        return order.fault.play(Scene(self, call, reply, order.values))

    async def _usual(self, call: Call, handler: Handler) -> Reply:
        if self.key and not self.authorised(call):
            return self.refusal("authentication", call)
        try:
            return await handler(call)
        except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
            self.problems.append(f"{call.method} {call.path}: {error!r}")
            return self.refusal("invalid_input", call)

    def _order(self, call: Call) -> Order | None:
        for queued in self._queue:
            path = call.path.removeprefix(self.base)
            if f"{call.method} {path}".startswith(queued.on):
                if queued.times is not None:
                    queued.times -= 1
                    if queued.times <= 0:
                        self._queue.remove(queued)
                return queued.order
        asked = call.headers.get(HEADER, "")
        model = self.model(call).rpartition("/")[2]
        if not asked and model.startswith(MODEL):
            asked = model.removeprefix(MODEL)
        return ordered(asked, self.all_faults()) if asked else None
