"""The application: finds the route, checks the caller, answers, and keeps the account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from breeze.contracts import hops
from breeze.contracts.errors import (
    CancelledError,
    InputError,
    NotFoundError,
    ProcessingError,
    RunnerError,
)
from breeze.contracts.request import new_id
from breeze.service.access import ANYBODY, Principal, Role
from breeze.service.metrics import Metrics
from breeze.service.relays import Relays
from breeze.service.supply import StoreSupply
from breeze.service.uploads import Uploads
from breeze.surfaces.http.call import Call, code_of
from breeze.surfaces.http.credentials import key_of, refused
from breeze.surfaces.http.exchange import Exchange
from breeze.surfaces.http.gate import Gate
from breeze.surfaces.http.problems import reply as problem
from breeze.surfaces.http.problems import stopped
from breeze.surfaces.http.reply import Answer, Reply, Stream
from breeze.surfaces.http.routes import Handler, Missing, Table
from breeze.surfaces.http.sending import send_stream
from breeze.surfaces.http.sockets import Receive, Send, Sockets

if TYPE_CHECKING:
    from breeze.engine.engine import Engine
    from breeze.models import ModelStore

JSON_LIMIT = 32 * 1024 * 1024
"""Bytes of a JSON body, unless a route says otherwise."""
_HOPS = hops.HEADER.encode()
_OPEN = Role.OPEN


class App:
    """Serves one engine. `authenticate` tells who a caller is by the key they sent, if any.

    `record` is told of every answer that has gone out: the call, the answer, the seconds it took.
    """

    def __init__(
        self,
        engine: Engine,
        table: Table,
        *,
        gate: Gate | None = None,
        authenticate: Callable[[bytes], Principal] | None = None,
        record: Callable[[Call, Answer, float], None] | None = None,
        uploads: Uploads | None = None,
    ) -> None:
        self.engine = engine
        self.table = table
        self.gate = gate or Gate()
        self.authenticate = authenticate
        self.record = record
        self.stopping = False
        self.metrics = Metrics(engine.runners)
        engine.ledger.listeners.append(self.metrics.attempted)
        self.uploads = uploads or Uploads(engine.layers.store.home.uploads)
        self.relays = Relays()
        supply = engine.supplier
        self._supply = supply if isinstance(supply, StoreSupply) else StoreSupply(engine.layers)
        self.sockets = Sockets(self)
        self.owners: dict[str, str] = {}
        """The name of the key behind each running request."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """A WebSocket, as an application of ASGI. HTTP has a way of its own: `serve`."""
        if scope["type"] == "websocket":
            await self.sockets.serve(scope, receive, send)

    async def close(self) -> None:
        """Stop what goes on without a connection: requests to be resumed, the router's clients."""
        await self.relays.aclose()
        await self.sockets.close()
        await self._supply.close()

    @property
    def store(self) -> ModelStore:
        """The models on this disk. Raises InputError for a catalogue that cannot be read."""
        return self._supply.store

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request, whatever happens."""
        started = perf_counter()
        call = Call(self, exchange)
        answer: Answer | None = None
        if _HOPS in exchange.headers:
            hops.arrived(call.header(_HOPS))
        try:
            try:
                answer = await self._handler(call)(call)
                if not call.request_id:  # no request of the engine stands behind it
                    answer.headers.append((b"x-request-id", new_id().encode()))
            except (Exception, asyncio.CancelledError) as error:  # no client gets a traceback
                answer = self._failed(call, error)
            if b"origin" in exchange.headers:
                answer.headers += self.gate.cors(exchange.headers)
            if isinstance(answer, Stream):
                if exchange.method != "HEAD":
                    return await send_stream(exchange, answer)
                answer = await _head_only(exchange, answer)
            if exchange.connection.stuck:
                await exchange.drained()
            exchange.reply(answer)
        except Exception as error:  # the answer had begun: it stays without its end
            self._cut(call, error)
        finally:
            call.end()
            if answer is not None:
                self._count(call, answer, perf_counter() - started)

    def _handler(self, call: Call) -> Handler:
        """Who answers. Raises RunnerError when nobody does, or not for this caller."""
        asked = call.asked
        self.gate.check(asked)
        found = self.table.find(asked.method, asked.path)
        if isinstance(found, Missing):
            if asked.method == "OPTIONS" and found.allowed:
                return partial(self._options, found.allowed)
            raise _no_route(call, found)
        route, call.found = found
        role = route.role
        if self.authenticate is None:
            call.caller = ANYBODY
        elif role is not _OPEN:
            caller = call.caller = self.authenticate(key_of(asked.headers))
            if caller.role < role:
                raise refused(caller, role)
        call.route = route
        call.limit = JSON_LIMIT if route.limit is None else route.limit
        return route.handler

    async def _options(self, allowed: tuple[str, ...], call: Call) -> Answer:
        return self.gate.options(call.headers, allowed)

    def _count(self, call: Call, answer: Answer, seconds: float) -> None:
        route = call.route
        self.metrics.answered(
            route.path if route is not None else "", answer.status, seconds, code_of(call)
        )
        if self.record is not None:
            self.record(call, answer, seconds)

    def _failed(self, call: Call, error: BaseException) -> Reply:
        """What the client is told. Raises `error` when it is a cancellation from elsewhere."""
        request_id = call.request_id or new_id()
        if isinstance(error, RunnerError):
            call.code = error.code
            return problem(error, call.dialect, request_id)
        if isinstance(error, asyncio.CancelledError):
            if not self.stopping:
                raise error
            return problem(stopped(), call.dialect, request_id)
        self.log_failure(call, error, request_id)
        public = ProcessingError(
            f"Something went wrong inside the server; its log has the details under {request_id}."
        )
        call.code = public.code
        return problem(public, call.dialect, request_id)

    def _cut(self, call: Call, error: Exception) -> None:
        """Note a failure amid an answer. A cancellation is nobody's: mostly the client has left."""
        if not isinstance(error, RunnerError):
            call.code = ProcessingError.code
            return self.log_failure(call, error, call.request_id)
        call.code = error.code
        if isinstance(error, CancelledError):
            return None
        import logging

        logging.getLogger("breeze.server").warning(
            "%s %s was cut (%s): %s", call.method, call.path, call.request_id, error
        )
        return None

    def log_failure(self, call: Call, error: BaseException, request_id: str) -> None:
        """One line in the server's log."""
        import logging

        logging.getLogger("breeze.server").error(
            "%s %s failed (%s)", call.method, call.path, request_id, exc_info=error
        )


async def _head_only(exchange: Exchange, stream: Stream) -> Reply:
    """What HEAD gets of a stream: its headers. The stream is closed before it began."""
    await stream.pieces.aclose()
    if exchange.stop is not None:  # pieces that have not begun do not see to it
        exchange.stop()
    return Reply(b"", stream.type, status=stream.status, headers=stream.headers)


def _no_route(call: Call, missing: Missing) -> RunnerError:
    if missing.allowed:
        allowed = ", ".join(missing.allowed)
        return InputError(
            f"{call.path} takes {allowed}, not {call.method}.",
            data={"status": 405, "allow": allowed},
        )
    return NotFoundError(f"There is no route {call.path}.", detail="unknown_route")
