"""Frames that are no calls: each gets one ERROR frame, and the socket lives on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from breeze.service.router import RouterLimits
from tests.router.wires import Wire, plugged

pack = msgspec.msgpack.encode
DEEP = 100_000


def call(method: Any = "sendMessage", **fields: Any) -> str:
    return json.dumps({"id": 1, "method": method, **fields})


def sent(**fields: Any) -> str:
    whole = {"id": "r1", "text": "Hi", "sessionId": "s", "timestamp": 1}
    return call(params={**whole, **fields})


def without(field: str) -> str:
    whole = {"id": "r1", "text": "Hi", "sessionId": "s", "timestamp": 1}
    return call(params={k: v for k, v in whole.items() if k != field})


BINARY = {"type": "image/png", "data": "AAAA"}
TEXT: dict[str, str] = {
    "nothing": "",
    "blanks": "  \n ",
    "a word": "hello",
    "null": "null",
    "a number": "42",
    "a string": '"sendMessage"',
    "a list": "[]",
    "a batch": '[{"id":1,"method":"getApiVersion"}]',
    "cut": '{"id":1,"method":"getApi',
    "two values": '{"id":1,"method":"getApiVersion"}{}',
    "a byte order mark": '\ufeff{"id":1,"method":"getApiVersion"}',
    "single quotes": "{'id':1}",
    "a comment": '{"id":1,/* */"method":"getApiVersion"}',
    "a comma too many": '{"id":1,"method":"getApiVersion",}',
    "deep lists": '{"id":1,"method":"initialize","params":' + "[" * DEEP + "]" * DEEP + "}",
    "deep objects": '{"id":1,"x":' + '{"a":' * DEEP + "1" + "}" * DEEP + "}",
    "NaN": '{"id":1,"method":"initialize","params":{"temperature":NaN}}',
    "Infinity": '{"id":1,"method":"initialize","params":{"temperature":Infinity}}',
    "a number too large": '{"id":1,"method":"initialize","params":{"temperature":1e999}}',
    "half a surrogate": '{"id":1,"method":"hasCapability","params":{"capabilityName":"\\ud800"}}',
    "a raw line break": '{"id":1,"method":"get\nApiVersion"}',
    "an unknown escape": '{"id":1,"method":"\\x41"}',
    "no method": '{"id":1}',
    "a method that is a number": call(7),
    "a method that is null": call(None),
    "an unknown method": call("singSong"),
    "a method in other letters": call("SENDMESSAGE"),
    "a push of the client's own": call("onResponse"),
    "an endless method": call("x" * 100_000),
    "an id that is true": '{"id":true,"method":"getApiVersion"}',
    "an id with a point": '{"id":1.5,"method":"getApiVersion"}',
    "an id that is an object": '{"id":{},"method":"getApiVersion"}',
    "an id of 5000 digits": '{"id":' + "9" * 5000 + ',"method":"getApiVersion"}',
    "an id of 70 bits": '{"id":1180591620717411303424,"method":"getApiVersion"}',
    "an id of 200 letters": '{"id":"' + "x" * 200 + '","method":"getApiVersion"}',
    "params that are a list": call("initialize", params=[1]),
    "params that are text": call("initialize", params="fast"),
    "no params where some are needed": call(),
    "a message without an id": without("id"),
    "a message without text": without("text"),
    "a message without a session": without("sessionId"),
    "a message without a time": without("timestamp"),
    "text that is a number": sent(text=5),
    "text that is null": sent(text=None),
    "a time that is text": sent(timestamp="now"),
    "a version that is text": sent(apiVersion="2"),
    "options that are a list": sent(options=["a"]),
    "an option that is a number": sent(options={"max_tokens": 5}),
    "attachments that are an object": sent(binaryAttachments={}),
    "an attachment without a type": sent(binaryAttachments=[{"data": "AAAA"}]),
    "an attachment that is no base64": sent(binaryAttachments=[{**BINARY, "data": "!!!"}]),
    "attachment metadata with numbers": sent(binaryAttachments=[{**BINARY, "metadata": {"w": 1}}]),
    "an empty id": sent(id=""),
    "a message's id of 200 letters": sent(id="x" * 200),
    "a capability that is null": call("hasCapability", params={"capabilityName": None}),
    "a cancel without an id": call("cancelRequest", params={}),
    "a negative resume": call("registerListener", params={"resumeSeconds": -1}),
    "an endless resume": call("registerListener", params={"resumeSeconds": 1e9}),
    "a resume of nothing": call("resume", params={"token": ""}),
    "a resume after minus one": call("resume", params={"token": "x", "after": -1}),
    "a level that is text": call("initialize", params={"logLevel": "INFO"}),
    "settings with numbers": call("initialize", params={"additionalSettings": {"a": 1}}),
    "a temperature of 9": call("initialize", params={"temperature": 9}),
}
BYTES: dict[str, bytes] = {
    "nothing": b"",
    "JSON": b'{"id":1,"method":"getApiVersion"}',
    "a byte that is never used": b"\xc1",
    "random bytes": bytes(range(250, 256)) * 7,
    "text that is not UTF-8": b"\x81\xa6method\xa2\xff\xfe",
    "a key that is not UTF-8": b"\x81\xa2\xff\xfe\x01",
    "cut": pack({"id": 1, "method": "getApiVersion"})[:-3],
    "more after the end": pack({"id": 1, "method": "getApiVersion"}) + b"\0",
    "a map of 4 thousand million": b"\xdf\xff\xff\xff\xff",
    "a text of 4 gigabytes": b"\x81\xa6method\xdb\xff\xff\xff\xff",
    "a list of 4 thousand million": b"\xdd\xff\xff\xff\xff",
    "deep lists": b"\x91" * DEEP + b"\x90",
    "deep within": b"\x82\xa2id\x01\xa1x" + b"\x91" * DEEP + b"\x90",
    "an extension": b"\x81\xa2id\xd4\x05\x00",
    "keys that are numbers": pack({1: 2}),
    "a method that is bytes": pack({"id": 1, "method": b"getApiVersion"}),
    "params that are bytes": pack({"id": 1, "method": "initialize", "params": b"{}"}),
    "NaN": pack({"id": 1, "method": "initialize", "params": {"temperature": float("nan")}}),
    "Infinity": pack({"id": 1, "method": "initialize", "params": {"temperature": float("inf")}}),
    "data that is a number": pack(
        {
            "id": 1,
            "method": "sendMessage",
            "params": {
                "id": "r1", "text": "", "sessionId": "", "timestamp": 1,
                "binaryAttachments": [{"type": "image/png", "data": 5}],
            },
        }
    ),
}  # fmt: skip


async def check(wire: Wire, frame: str | bytes, capfd: pytest.CaptureFixture[str]) -> None:
    await wire.send(frame)
    answer = await wire.reply()
    assert set(answer) == {"id", "error"}
    assert answer["error"]["code"] in {"E400", "E404"}
    assert answer["error"]["message"]
    assert len(answer["error"]["message"]) < 500
    assert await wire.call("getApiVersion", number=77) == 2
    assert wire.frames.empty()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("kind", TEXT)
async def test_a_bad_text_frame(kind: str, wire: Wire, capfd: pytest.CaptureFixture[str]) -> None:
    await check(wire, TEXT[kind], capfd)


@pytest.mark.parametrize("kind", BYTES)
async def test_a_bad_binary_frame(kind: str, wire: Wire, capfd: pytest.CaptureFixture[str]) -> None:
    await check(wire, BYTES[kind], capfd)


def test_there_are_many_kinds() -> None:
    assert len(TEXT) + len(BYTES) >= 80


@pytest.mark.parametrize("frame", ["x" * 2001, b"x" * 2001])
async def test_a_frame_above_the_limit(
    frame: str | bytes, with_limits: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    service = await with_limits(limits=RouterLimits(frame=2000))
    async with plugged(service) as wire:
        await wire.send(frame)
        assert (await wire.reply())["error"]["code"] == "E413"
        assert await wire.call("getApiVersion") == 2


async def test_the_id_is_repeated_when_it_can_be_read(wire: Wire) -> None:
    for frame, expected in (
        ('{"id":"abc","method":5}', "abc"),
        ('{"id":-9,"params":1,"method":null}', -9),
        ('{"id":9,"method":', None),
    ):
        await wire.send(frame)
        assert (await wire.reply())["id"] == expected


async def test_the_field_is_named(wire: Wire) -> None:
    for frame, field in (
        (sent(options={"max_tokens": 5}), "options[...]"),
        (sent(binaryAttachments=[{"data": "AAAA"}]), "binaryAttachments[0]"),
        (call("hasCapability", params={"capabilityName": 1}), "capabilityName"),
        (call("singSong"), "method"),
    ):
        await wire.send(frame)
        assert (await wire.reply())["error"]["field"] == field


async def test_answers_come_in_the_kind_of_the_last_frame(wire: Wire) -> None:
    for binary in (True, False, True):
        wire.binary = binary
        assert await wire.call("getApiVersion") == 2  # the wire checks the kind
        assert (await wire.ask())[-1]["text"] == "Hello"


async def test_null_params_are_none(wire: Wire) -> None:
    await wire.send('{"id":1,"method":"getApiVersion","params":null}')
    assert (await wire.reply())["result"] == 2
