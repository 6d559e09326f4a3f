"""The socket as any WebSocket library sees it, up to the limits of frames."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breeze.client.router import RouterClient
from breeze.contracts.router import BinaryData
from breeze.testing.media import png
from tests.router.serving import Served, message

MIB = 1024 * 1024


async def test_any_websocket_client_will_do(served: Served) -> None:
    from websockets.asyncio.client import connect

    async with connect(f"{served.where}/v2/router") as socket:
        await socket.send('{"id":1,"method":"registerListener"}')
        assert json.loads(await socket.recv())["result"]["token"] is None
        ask: dict[str, Any] = {"id": "r1", "text": "Hi", "sessionId": "s", "timestamp": 1}
        await socket.send(json.dumps({"id": 2, "method": "sendMessage", "params": ask}))
        assert json.loads(await socket.recv()) == {"id": 2, "result": None}
        pushes = [json.loads(await socket.recv()) for _ in range(4)]
        assert [push["seq"] for push in pushes] == [1, 2, 3, 4]
        assert pushes[-1]["params"]["text"] == "Hello"
        await socket.send("{")
        assert json.loads(await socket.recv())["error"]["code"] == "E400"
        await socket.send(b"\xc1")
        assert isinstance(await socket.recv(), bytes)
        assert json.loads(await _asked(socket, '{"id":3,"method":"getApiVersion"}'))["result"] == 2


async def test_frames_that_are_too_large(served: Served) -> None:
    """Up to the server's own limit the socket lives on; above it the WebSocket layer closes."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosedError

    async with connect(f"{served.where}/v2/router", compression=None, max_size=None) as socket:
        refused = json.loads(await _asked(socket, " " * (13 * MIB)))
        assert refused["error"]["code"] == "E413"
        assert json.loads(await _asked(socket, '{"id":3,"method":"getApiVersion"}'))["result"] == 2
        with pytest.raises(ConnectionClosedError) as caught:
            await _asked(socket, " " * (17 * MIB))
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


async def test_an_attachment_above_the_limit_is_to_be_uploaded(served: Served) -> None:
    async with RouterClient.connect(served.where, binary=True) as router:
        large = BinaryData("image/png", png(2, 2) + bytes(8 * MIB))
        last = await (await router.send_message(message(binary_attachments=(large,)))).last()
        assert last.metadata["error_code"] == "E413"
        assert "/v2/uploads" in (last.error or "")
        near = BinaryData("image/png", png(2, 2) + bytes(7 * MIB))
        last = await (await router.send_message(message(binary_attachments=(near,)))).last()
        assert (last.state, "an upload is better" in last.metadata["adjustments"]) == (
            "COMPLETED", True,
        )  # fmt: skip


async def _asked(socket: Any, frame: str) -> str:
    await socket.send(frame)
    return str(await socket.recv())
