"""The ASGI application: finds the route, checks the caller, answers, and keeps the account."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from breeze.contracts.errors import (
    AuthenticationError,
    InputError,
    NotFoundError,
    ProcessingError,
    RunnerError,
)
from breeze.service.access import ANYBODY, Principal, Role
from breeze.surfaces.http.call import Call, fresh_id
from breeze.surfaces.http.gate import Gate
from breeze.surfaces.http.problems import reply as problem
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Missing, Table
from breeze.surfaces.http.sending import Receive, Send, send_reply, send_stream

if TYPE_CHECKING:
    from breeze.engine.engine import Engine

JSON_LIMIT = 32 * 1024 * 1024
"""Bytes of a JSON body, unless a route says otherwise."""


class App:
    """Serves one engine. `authenticate` tells who a caller is by the key they sent, if any."""

    def __init__(
        self,
        engine: Engine,
        table: Table,
        *,
        gate: Gate | None = None,
        authenticate: Callable[[bytes], Principal] | None = None,
    ) -> None:
        self.engine = engine
        self.table = table
        self.gate = gate or Gate()
        self.authenticate = authenticate
        self.owners: dict[str, str] = {}
        """The name of the key behind each running request."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        call = Call(self, scope, receive)
        try:
            answer = await self._answer(call)
        except RunnerError as error:
            answer = problem(error, call.dialect, call.request_id or fresh_id())
        except Exception as error:  # whatever it is, the client gets an answer and no traceback
            answer = self._unexpected(call, error)
        try:
            if type(answer) is Reply:
                await send_reply(send, answer, answer.headers)
            else:
                await send_stream(send, answer, answer.headers)  # type: ignore[arg-type]
        finally:
            call.end()

    async def _answer(self, call: Call) -> Answer:
        self.gate.check(call)
        found = self.table.find(call.method, call.path)
        if isinstance(found, Missing):
            raise _no_route(call, found)
        route, call.found = found
        if self.authenticate is None:
            call.caller = ANYBODY
        elif route.role is not Role.OPEN:
            call.caller = self.authenticate(_key_of(call))
            if call.caller.role < route.role:
                raise _refused(call, route.role)
        call.limit = JSON_LIMIT if route.limit is None else route.limit
        return await route.handler(call)

    def _unexpected(self, call: Call, error: Exception) -> Reply:
        """Tells the log what happened and the client only that it did."""
        request_id = call.request_id or fresh_id()
        self.log_failure(call, error, request_id)
        public = ProcessingError(
            f"Something went wrong inside the server; its log has the details under {request_id}."
        )
        return problem(public, call.dialect, request_id)

    def log_failure(self, call: Call, error: Exception, request_id: str) -> None:
        """One line in the server's log."""
        import logging

        logging.getLogger("breeze.server").error(
            "%s %s failed (%s)", call.method, call.path, request_id, exc_info=error
        )


def _no_route(call: Call, missing: Missing) -> RunnerError:
    if missing.allowed:
        allowed = ", ".join(missing.allowed)
        return InputError(
            f"{call.path} takes {allowed}, not {call.method}.",
            data={"status": 405, "allow": allowed},
        )
    return NotFoundError(f"There is no route {call.path}.", detail="route")


def _key_of(call: Call) -> bytes:
    """The key that was sent, whichever header carries it."""
    given = call.headers.get(b"authorization", b"")
    scheme, _, key = given.partition(b" ")
    if scheme.lower() == b"bearer":
        return key.strip()
    return call.headers.get(b"x-api-key", b"")


def _refused(call: Call, needed: Role) -> AuthenticationError:
    if call.caller.role is Role.OPEN:
        return AuthenticationError(
            "This server needs an API key: send `Authorization: Bearer KEY` with a key from "
            "`breeze keys add`."
        )
    return AuthenticationError(
        f"The key {call.caller.name!r} may use the engine, but this route needs the role "
        f"{needed.name.lower()}.",
        data={"status": 403},
    )
