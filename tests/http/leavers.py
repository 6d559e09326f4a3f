"""Clients that hang up, and how long it takes until the work knows."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import msgspec

from tests.http.raw import Wire, request

WITHIN = 0.1
"""Seconds in which a leaving has to reach the work, in whatever phase it is."""
CHAT = "/v1/chat/completions"
PATIENCE = 10.0


def asking(runner: str, *, stream: bool, **fields: Any) -> bytes:
    """The bytes of a chat with `runner`."""
    messages = [{"role": "user", "content": "Hello"}]
    body = {"model": runner, "messages": messages, "stream": stream, **fields}
    return request("POST", CHAT, msgspec.json.encode(body))


async def asked(url: str, data: bytes) -> Wire:
    """A connection on which `data` was sent."""
    wire = await Wire.to(url)
    await wire.send(data)
    return wire


async def first_piece(wire: Wire, mark: bytes = b"data: ") -> None:
    """Wait until the first event of a stream has come."""
    async with asyncio.timeout(PATIENCE):
        await wire.reader.readuntil(mark)


def leave(wire: Wire, *, reset: bool = False) -> float:
    """Hang up, in good order or not; the moment it was done."""
    if reset:
        sock = wire.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.writer.transport.abort()
    else:
        wire.writer.close()
    return time.perf_counter()


async def since(left: float, over: asyncio.Event) -> float:
    """Seconds from `left` until `over` is set."""
    async with asyncio.timeout(PATIENCE):
        await over.wait()
    return time.perf_counter() - left


async def until(holds: Callable[[], bool]) -> None:
    """Until something is so that has no event of its own; looks at every turn of the loop."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0)
