"""Broken frames at random and connections that come and go: every call answered, nothing left."""

from __future__ import annotations

import asyncio
import json
import random

import msgspec
import pytest

from breeze.client.router import RouterClient
from breeze.service.router import RouterService
from tests.router.cast import Cast
from tests.router.serving import Served, message
from tests.router.wires import Wire, plugged

WHOLE = [
    {"id": 1, "method": "initialize", "params": {"apiVersion": 2, "temperature": 0.5,
     "runnerConfigurations": {"TEXT_GENERATION": "MOCK"}, "additionalSettings": {"a": "b"}}},
    {"id": 2, "method": "sendMessage", "params": {"id": "r", "text": "Hi", "sessionId": "s",
     "timestamp": 1, "apiVersion": 2, "options": {"max_tokens": "5"},
     "binaryAttachments": [{"type": "image/png", "data": "iVBORw0KGgo="}]}},
    {"id": 3, "method": "cancelRequest", "params": {"requestId": "r"}},
    {"id": 4, "method": "hasCapability", "params": {"capabilityName": "llm"}},
    {"id": 5, "method": "registerListener", "params": {"resumeSeconds": 3}},
]  # fmt: skip


def damaged(frame: bytes, rng: random.Random) -> bytes:
    """A frame with some bytes changed, dropped or doubled."""
    data = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 5)]
            case 2:
                data[at:at] = data[at : at + rng.randint(1, 9)]
            case _:
                data[at:at] = rng.choice([b"\xff", b"null", b"[[", b"9" * 40, b"\xdf\xff\xff\xff"])
        data = data or bytearray(b"x")
    return bytes(data)


async def calm(wire: Wire, service: RouterService) -> None:
    """Wait until every request that slipped through is answered."""
    while service.engine.live:
        await wire.push()


@pytest.mark.parametrize("binary", [False, True], ids=["json", "msgpack"])
async def test_five_hundred_damaged_frames(binary: bool, service: RouterService) -> None:
    rng = random.Random(7)
    async with plugged(service, binary=binary) as wire:
        for number in range(500):
            frame = rng.choice(WHOLE)
            data = msgspec.msgpack.encode(frame) if binary else json.dumps(frame).encode()
            broken = damaged(data, rng)
            await wire.send(broken if binary else broken.decode("utf-8", "replace"))
            answer = await wire.reply()
            assert ("result" in answer) is not ("error" in answer), number
            await calm(wire, service)
        assert await wire.call("getApiVersion") == 2


async def test_nothing_is_left_of_clients_that_come_and_go(served: Served, cast: Cast) -> None:
    before = len(asyncio.all_tasks())

    async def visit(number: int) -> None:
        resume = 30 if number % 3 else 0
        async with RouterClient.connect(served.where, resume_seconds=resume) as router:
            text = ("Hello", "many", "wait")[number % 3]
            responses = await router.send_message(message(text=text))
            await anext(responses)
            if number % 5 == 0:
                served.cut()

    for start in range(0, 60, 10):
        await asyncio.gather(*map(visit, range(start, start + 10)))
    await served.service.close()
    assert not served.service.engine.live
    assert not served.service.owners
    assert cast.text.active == 0
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) <= before
