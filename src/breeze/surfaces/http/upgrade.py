"""From HTTP to a WebSocket: the handshake's head goes on to uvicorn's own protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from breeze.surfaces.http.reply import Headers

if TYPE_CHECKING:
    from breeze.surfaces.http.connection import Connection


def wants_socket(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request asks for a WebSocket; other upgrades are not known here."""
    said = headers.get(b"connection", b"").lower().split(b",")
    return headers[b"upgrade"].lower() == b"websocket" and b"upgrade" in map(bytes.strip, said)


def head(method: bytes, url: bytes, version: str, pairs: Headers) -> bytes:
    """The head of a request as it is sent."""
    lines = b"".join(b"%b: %b\r\n" % pair for pair in pairs)
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, url, version.encode(), lines)


def hand_over(connection: Connection, url: bytes) -> None:
    """Let uvicorn speak on `connection` from now on; `url` is that of its latest request."""
    if connection.transport.is_closing():
        return
    asked = connection.latest
    again = head(asked.method.encode(), url, "1.1", asked.pairs)
    connection.let_go()
    protocol = connection.config.ws_protocol_class(  # type: ignore[misc, call-arg]
        config=connection.config,
        server_state=connection.state,
        app_state=connection.app_state,
    )
    protocol.connection_made(connection.transport)
    protocol.data_received(again)
    connection.transport.set_protocol(protocol)
