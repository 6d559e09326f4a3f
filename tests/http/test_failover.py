"""How each surface shows that another runner answered, began again, or that nobody did."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from breeze.contracts.errors import RateLimitError, UnavailableError
from breeze.contracts.events import (
    Adjusted,
    AudioChunk,
    Finish,
    ImageReady,
    Restarted,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from breeze.contracts.requests import ChatRequest
from breeze.testing.clock import settle
from breeze.testing.scripted import Script, Steps, scripted
from tests.http.conftest import Serve
from tests.http.leavers import WITHIN, asked, asking, leave, until
from tests.http.raw import request

BROKE = UnavailableError("it broke")
HALF: Steps = [TextDelta("half"), BROKE]
FINE: Steps = [TextDelta("fine"), Finish()]
CHAT = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "failover.json"
    return configured(file, attempts=1)


def configured(file: Path, **limits: Any) -> Path:
    runners = {
        "first": {"class": "one", "priority": 1, "modelId": "big"},
        "second": {"class": "two", "priority": 2, "modelId": "small"},
    }
    kinds = ("LLM", "IMAGE", "TTS")
    settings = {
        "failover": {"afterOutput": "restart", "deadlineMs": 60_000} | limits,
        "circuit": {"failures": 1},
    }
    file.write_text(
        json.dumps(
            {
                "version": "2.0",
                "globalSettings": settings,
                "capabilities": {kind: {"runners": runners} for kind in kinds},
            }
        )
    )
    return file


def pair(ours: Steps, theirs: Steps, method: str = "chat") -> list[Any]:
    return [scripted("one", Script(ours), method), scripted("two", Script(theirs), method)]


async def posted(url: str, path: str, body: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The headers, and the data of the events."""
    wire = await asked(url, request("POST", path, msgspec.json.encode(body)))
    answer = await wire.answer()
    await wire.close()
    lines = answer.body.decode().split("\n")
    return dict(answer.headers), [
        line.removeprefix("data: ") for line in lines if line.startswith("data: ")
    ]


async def test_a_chat_that_begins_again_is_one_chunk_of_ours_and_the_text_anew(
    serve: Serve, config: Path
) -> None:
    async with serve(runners=pair(HALF, FINE), config=config) as server:
        _, data = await posted(server.url, "/v1/chat/completions", CHAT)
    assert data[-1] == "[DONE]"
    chunks = [json.loads(line) for line in data[:-1]]
    at = next(place for place, chunk in enumerate(chunks) if not chunk["choices"])
    assert chunks[at]["breeze"] == {
        "event": "restarted", "discard": "all", "from": "first", "to": "second",
        "reason": "it broke",
    }  # fmt: skip
    before, after = chunks[:at], chunks[at + 1 :]
    assert [c["choices"][0]["delta"].get("content") for c in before] == ["", "half"]
    assert [c["choices"][0]["delta"].get("content") for c in after] == ["fine", None]
    assert [c["model"] for c in chunks] == ["big"] * 2 + ["small"] * 3
    assert after[-1]["breeze"]["runner"] == "second"
    assert [attempt["runner"] for attempt in after[-1]["breeze"]["attempts"]] == ["first"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
async def test_what_a_withdrawn_text_used_is_not_told_of_the_new_one(
    serve: Serve, config: Path, path: str
) -> None:
    note = Adjusted("seed", 1, None, "it has none")
    ours: Steps = [TextDelta("half"), Usage(7, 7), note, BROKE]
    body: dict[str, Any] = CHAT | {"stream_options": {"include_usage": True}}
    if path == "/v1/completions":
        body["prompt"] = body.pop("messages")[0]["content"]
    async with serve(runners=pair(ours, FINE), config=config) as server:
        _, data = await posted(server.url, path, body)
    chunks = [json.loads(line) for line in data[:-1]]
    at = next(place for place, chunk in enumerate(chunks) if not chunk["choices"])
    assert chunks[-1]["usage"]["total_tokens"] == 0
    assert not any("adjustments" in chunk.get("breeze", {}) for chunk in chunks[at:])


async def test_the_same_text_again_is_as_if_nothing_had_happened(
    serve: Serve, config: Path
) -> None:
    again: Steps = [TextDelta("half a loaf"), Finish()]
    async with serve(runners=pair(HALF, again), config=config) as server:
        _, data = await posted(server.url, "/v1/chat/completions", CHAT)
    chunks = [json.loads(line) for line in data[:-1]]
    texts = [c["choices"][0]["delta"].get("content") or "" for c in chunks]
    assert "".join(texts) == "half a loaf"


async def test_a_stream_that_must_fail_ends_in_an_error_and_is_not_done(
    serve: Serve, config: Path
) -> None:
    call = ToolCallDelta(0, "1", "pay", "{}")
    async with serve(runners=pair([call, BROKE], FINE), config=config) as server:
        _, data = await posted(server.url, "/v1/chat/completions", CHAT)
    assert json.loads(data[-1])["error"]["message"].startswith("it broke")
    assert "[DONE]" not in data


async def test_a_whole_answer_says_who_failed_before(serve: Serve, config: Path) -> None:
    async with serve(runners=pair(HALF, FINE), config=config) as server:
        wire = await asked(
            server.url,
            request("POST", "/v1/chat/completions", msgspec.json.encode(CHAT | {"stream": False})),
        )
        answer = await wire.answer()
        await wire.close()
    found = json.loads(answer.body)
    assert (found["model"], found["breeze"]["runner"]) == ("small", "second")
    assert found["breeze"]["attempts"][0]["code"] == "E501"
    assert dict(answer.headers)["x-breeze-attempts"] == "first:E501"


async def test_the_native_stream_and_the_client_withdraw_by_themselves(
    serve: Serve, config: Path
) -> None:
    texts, kinds = [], []
    async with serve(runners=pair(HALF, FINE), config=config) as server, server.client() as client:
        async with client.stream(ChatRequest.of("Hi")) as events:
            async for event in events:
                kinds.append(type(event))
                texts.append(events.text)
            assert (events.route.runner, len(events.route.failed)) == ("second", 1)
    assert kinds == [TextDelta, Restarted, TextDelta, Finish]
    assert texts == ["half", "", "fine", "fine"]


async def test_what_was_asked_for_and_could_not_answer_is_an_adjustment(
    serve: Serve, config: Path
) -> None:
    async with serve(runners=pair([BROKE], FINE), config=config) as server:
        headers, data = await posted(server.url, "/v1/chat/completions", CHAT | {"model": "first"})
        async with server.client() as client:
            answer = await client.run(ChatRequest.of("Hi", model="first"))
    assert headers["x-breeze-runner"] == "second"
    assert headers["x-breeze-adjustments"] == "model"
    assert json.loads(data[0])["breeze"]["adjustments"][0]["used"] == "small"
    assert [a.field for a in answer.adjustments] == ["model"]


async def test_pictures_that_went_out_cannot_be_withdrawn(serve: Serve, config: Path) -> None:
    made: Steps = [ImageReady(b"1", 0, "image/png", 16, 16), BROKE]
    other: Steps = [ImageReady(b"2", i, "image/png", 16, 16) for i in range(2)]
    body = {"prompt": "a house", "n": 2, "stream": True, "size": "256x256"}
    runners = pair(made, [*other, Finish()], "draw")
    async with serve(runners=runners, config=config) as server:
        _, data = await posted(server.url, "/v1/images/generations", body)
    assert json.loads(data[0])["breeze"]["index"] == 0
    assert "first stopped amid its answer" in json.loads(data[1])["error"]["message"]
    assert len(data) == 2


async def test_sound_that_went_out_cannot_be_withdrawn(serve: Serve, config: Path) -> None:
    made: Steps = [AudioChunk(b"1111", 0, 24_000), BROKE]
    other: Steps = [AudioChunk(b"2222", 0, 24_000), Finish()]
    body = {"input": "Hi", "voice": "x", "response_format": "pcm", "stream_format": "sse"}
    async with serve(runners=pair(made, other, "speak"), config=config) as server:
        _, data = await posted(server.url, "/v1/audio/speech", body)
    assert "first stopped amid its answer" in json.loads(data[-1])["error"]["message"]


async def test_the_runners_show_who_rests(serve: Serve, tmp_path: Path) -> None:
    file = configured(tmp_path / "circuit.json", attempts=1)
    async with serve(runners=pair([BROKE], FINE), config=file) as server, server.client() as client:
        await client.run(ChatRequest.of("Hi"))
        seen = {status.name: status for status in await client.runners()}
    assert (seen["first"].circuit, seen["first"].last_error) == ("open", "it broke")
    assert seen["second"].circuit == "closed"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_leaving_while_it_is_waited_before_another_try(
    serve: Serve, tmp_path: Path, stream: bool
) -> None:
    script = Script([RateLimitError("slow down", retry_after=7)])
    file = configured(tmp_path / "waits.json", attempts=3)
    async with serve(runners=[scripted("one", script)], config=file) as server:
        taken = []
        for turn in range(3):
            wire = await asked(server.url, asking("first", stream=stream))
            await until(lambda turn=turn: len(script.calls) == turn + 1)  # type: ignore[misc]
            await settle()
            left = leave(wire)
            await until(lambda: server.engine.live == ())
            taken.append(time.perf_counter() - left)
        assert statistics.median(taken) < WITHIN
        assert len(script.calls) == 3
