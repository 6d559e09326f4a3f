"""/v2/router: the router contract over a WebSocket, and the documents that describe its frames."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.errors import RunnerError
from breeze.service.access import Principal, Role
from breeze.service.router import RouterService
from breeze.service.router_schema import asyncapi, schema
from breeze.service.router_socket import RouterSocket
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Route
from breeze.surfaces.http.sockets import Receive, Send

ROLE = Role.USE
"""What the socket needs; to stop the requests of others it needs `operate`."""
_FOR_GOOD = (1000, 1001)
"""Close codes by which a client says that it has finished."""


async def router_socket(
    service: RouterService,
    scope: dict[str, Any],
    receive: Receive,
    send: Send,
    principal: Principal,
) -> None:
    """Serve one WebSocket until it is closed. The caller was checked before and may come in."""

    async def send_frame(frame: str | bytes) -> None:
        kind = "text" if isinstance(frame, str) else "bytes"
        await send({"type": "websocket.send", kind: frame})

    async def close(code: int, reason: str) -> None:
        await send({"type": "websocket.close", "code": code, "reason": reason})

    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    operate = principal.role >= Role.OPERATE
    socket = RouterSocket(service, send_frame, close, owner=principal.name, operate=operate)
    code = 1006
    try:
        while (message := await receive())["type"] != "websocket.disconnect":
            text = message.get("text")
            await socket.receive(message["bytes"] if text is None else text)
        code = message.get("code", code)
    except OSError:  # ASGI: what a send raises when the client has left
        code = 1006
    finally:
        await socket.left(for_good=code in _FOR_GOOD)


async def refuse_socket(receive: Receive, send: Send, error: RunnerError) -> None:
    """Answer a WebSocket's handshake with an HTTP error instead."""
    await receive()  # websocket.connect
    await send(
        {
            "type": "websocket.http.response.start",
            "status": int(error.data.get("status", error.status)),
            "headers": [(b"content-type", b"application/json")],
        }
    )
    body = msgspec.json.encode(error.info())
    await send({"type": "websocket.http.response.body", "body": body})


async def schema_document(call: Call) -> Answer:
    """JSON Schema of the frames."""
    return Reply.json(schema())


async def asyncapi_document(call: Call) -> Answer:
    """AsyncAPI document of the socket."""
    return Reply.json(asyncapi())


ROUTES = (
    Route("GET", "/v2/router/schema.json", ROLE, schema_document, "Frames of the router's socket"),
    Route("GET", "/v2/router/asyncapi.json", ROLE, asyncapi_document, "The socket, as AsyncAPI"),
)
