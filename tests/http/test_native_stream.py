"""POST /v2/stream/{capability}: what a body may say, and what comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import msgspec
import pytest

from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.wire import decode_event, encode
from breeze.testing.media import png
from breeze.testing.samples import seeing
from breeze.testing.scripted import Gate, Script, scripted
from tests.client.conftest import Serve
from tests.client.conftest import serve as serve

ASK = ChatRequest.of("Hello", runner="slow")


async def post(url: str, path: str, body: Any, **headers: str) -> tuple[int, bytes, Any]:
    """Status, body and headers of a plain POST."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(url + path, data=data) as response:
            return response.status, await response.read(), response.headers


def two_words() -> Any:
    return scripted("slow", Script([TextDelta("Hel"), TextDelta("lo"), Finish()]))


async def test_events_are_server_sent_unless_lines_are_asked_for(serve: Serve) -> None:
    async with serve(runners=[two_words()]) as server:
        status, body, headers = await post(server.url, "/v2/stream/llm", encode(ASK))
        assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        frames = body.decode().strip().split("\n\n")
        assert frames[0] == 'id: 1\ndata: {"type":"text","text":"Hel"}'
        assert [frame.split("\n")[0] for frame in frames] == ["id: 1", "id: 2", "id: 3"]
        status, body, headers = await post(
            server.url, "/v2/stream/llm", encode(ASK), accept="application/x-ndjson"
        )
        assert headers["content-type"] == "application/x-ndjson"
        assert [type(decode_event(line)) for line in body.splitlines()] == [
            TextDelta, TextDelta, Finish,
        ]  # fmt: skip


async def test_the_headers_say_who_answers(serve: Serve) -> None:
    async with serve() as server:
        body = {"id": "my-id", "runner": "mock_llm", "messages": [{"role": "user", "content": "x"}]}
        _, _, headers = await post(server.url, "/v2/stream/chat", body)
        assert headers["x-request-id"] == "my-id"
        assert headers["x-breeze-runner"] == "mock_llm"
        assert headers["x-breeze-model"]
        assert headers["x-breeze-decision"]
        assert headers["x-breeze-mock"] == "true"


MESSAGES = [{"role": "user", "content": "Hi"}]
REFUSED: dict[str, tuple[str, Any, int, str]] = {
    "an unknown capability": ("taste", {}, 404, "capability"),
    "no JSON": ("chat", b"{", 400, ""),
    "not UTF-8": ("chat", b'{"messages": "\xff"}', 400, "messages"),
    "no object": ("chat", b"[]", 400, ""),
    "too deep": ("chat", b'{"params":' + b"[" * 100_000, 400, "params"),
    "another type than the path": ("chat", {"type": "speak", "text": "x"}, 400, "type"),
    "a field of a wrong type": ("chat", {"messages": 1}, 400, "messages"),
    "a missing field": ("speak", {"voice": "x"}, 400, "text"),
    "an unknown field": ("chat", {"messages": MESSAGES, "temprature": 1}, 400, "temprature"),
    "a value out of range": ("chat", {"messages": MESSAGES, "temperature": 9}, 400, "temperature"),
    "not a number": ("chat", b'{"messages": [], "temperature": NaN}', 400, ""),
    "a live source": ("asr", {"live": [1], "sample_rate": 16000}, 400, "live"),
    "a path on the server": ("asr", {"file": "/etc/passwd"}, 400, "file"),
    "an address": ("asr", {"file": "http://127.0.0.1/x.wav"}, 400, "file"),
    "a picture for a model that reads": ("llm", seeing("x", png(8, 8)), 400, "messages"),
    "nothing to see": ("vlm", {"messages": MESSAGES}, 400, "messages"),
}


@pytest.mark.parametrize(("path", "body", "status", "field"), REFUSED.values(), ids=REFUSED)
async def test_what_is_refused(path: str, body: Any, status: int, field: str, serve: Serve) -> None:
    async with serve() as server:
        found, said, _ = await post(server.url, f"/v2/stream/{path}", body)
        error = msgspec.json.decode(said)
        assert found == status
        assert error["type"] == "error"
        assert error.get("field", "") == field
        assert "Traceback" not in error["message"]


async def test_a_running_id_is_refused(serve: Serve) -> None:
    gate = Gate()
    slow = scripted("slow", Script([TextDelta("a"), gate, Finish()]))
    async with serve(runners=[slow]) as server:
        first = asyncio.ensure_future(post(server.url, "/v2/stream/llm", encode(ASK)))
        await gate.started.wait()
        for headers in ({}, {"x-breeze-resume": "30"}):
            status, said, _ = await post(server.url, "/v2/stream/llm", encode(ASK), **headers)
            assert status == 400
            assert msgspec.json.decode(said)["field"] == "id"
        gate.release.set()
        status, said, _ = await first
        assert status == 200
        assert b'"finish"' in said
