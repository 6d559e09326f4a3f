"""From HTTP to a WebSocket: the handshake's head goes on to uvicorn's own protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from breeze.surfaces.http.connection import Connection


def wants_socket(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request asks for a WebSocket; other upgrades are not known here."""
    said = headers.get(b"connection", b"").lower().split(b",")
    return headers[b"upgrade"].lower() == b"websocket" and b"upgrade" in map(bytes.strip, said)


def hand_over(connection: Connection, url: bytes) -> None:
    """Let uvicorn speak on `connection` from now on; `url` is that of its latest request."""
    asked = connection.latest
    line = b"%b %b HTTP/1.1\r\n" % (asked.method.encode(), url)
    head = b"".join(b"%b: %b\r\n" % pair for pair in asked.pairs)
    connection.let_go()
    protocol = connection.config.ws_protocol_class(  # type: ignore[misc, call-arg]
        config=connection.config,
        server_state=connection.state,
        app_state=connection.app_state,
    )
    protocol.connection_made(connection.transport)
    protocol.data_received(line + head + b"\r\n")
    connection.transport.set_protocol(protocol)
