"""A socket of the router without a network: frames in, frames out, as JSON or as msgpack."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from breeze.service.router import RouterService
from breeze.service.router_socket import RouterSocket


class Wire:
    """What a client sees. Frames are plain values; bytes are base64 text, whatever the kind."""

    def __init__(self, binary: bool) -> None:
        self.binary = binary
        self.frames: asyncio.Queue[Any] = asyncio.Queue()
        self.pushes: list[Any] = []
        self.replies: list[Any] = []
        self.closed: list[int] = []
        self.socket: RouterSocket | None = None

    async def take(self, frame: str | bytes) -> None:
        assert isinstance(frame, bytes) is self.binary
        is_text = isinstance(frame, str)
        value = msgspec.json.decode(frame) if is_text else msgspec.msgpack.decode(frame)  # type: ignore[arg-type]
        await self.frames.put(_as_text(value))

    async def close(self, code: int, reason: str) -> None:
        self.closed.append(code)

    async def send(self, frame: Any) -> None:
        """Send a call, or bytes and text as they are."""
        assert self.socket is not None
        if isinstance(frame, str | bytes):
            self.binary = isinstance(frame, bytes)
        elif self.binary:
            frame = msgspec.msgpack.encode(_as_bytes(frame))
        else:
            frame = msgspec.json.encode(frame).decode()
        await self.socket.receive(frame)

    async def reply(self) -> Any:
        """The next answer to a call."""
        while not self.replies:
            await self._sort()
        return self.replies.pop(0)

    async def push(self) -> Any:
        """The next response."""
        while not self.pushes:
            await self._sort()
        return self.pushes.pop(0)

    async def _sort(self) -> None:
        frame = await self.frames.get()
        (self.pushes if frame.get("method") == "onResponse" else self.replies).append(frame)

    async def call(self, method: str, params: Any = None, number: Any = 1) -> Any:
        """The result of a call, or the frame of its error."""
        await self.send({"id": number, "method": method, "params": params or {}})
        answer = await self.reply()
        assert answer["id"] == number
        return answer.get("result", answer)

    async def ask(self, **request: Any) -> list[Any]:
        """All responses to a message."""
        whole = {"id": "r1", "text": "Hi", "sessionId": "s", "timestamp": 1, "apiVersion": 2}
        assert await self.call("sendMessage", whole | request) is None
        responses = [(await self.push())["params"]]
        while not responses[-1]["isComplete"]:
            responses.append((await self.push())["params"])
        return responses


def _as_bytes(value: Any) -> Any:
    """The same with the data of attachments as bytes, for msgpack."""
    if isinstance(value, dict):
        return {
            key: base64.b64decode(inner)
            if key == "data" and isinstance(inner, str)
            else _as_bytes(inner)
            for key, inner in value.items()
        }
    return [_as_bytes(inner) for inner in value] if isinstance(value, list) else value


def _as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _as_text(inner) for key, inner in value.items()}
    return [_as_text(inner) for inner in value] if isinstance(value, list) else value


@asynccontextmanager
async def plugged(
    service: RouterService,
    *,
    binary: bool = False,
    owner: str = "",
    operate: bool = False,
    listening: bool = True,
) -> AsyncIterator[Wire]:
    """A socket of `service`, open for the time of the block."""
    wire = Wire(binary)
    wire.socket = RouterSocket(service, wire.take, wire.close, owner=owner, operate=operate)
    try:
        if listening:
            await wire.call("registerListener")
        yield wire
    finally:
        await wire.socket.left(for_good=True)
