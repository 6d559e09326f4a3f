"""The stand-in of Ollama, byte by byte."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from breeze.testing.standins.ollama import OllamaStandin
from tests.testing.standins.wire import answered, asking, chat, request, told


def said(**fields: Any) -> bytes:
    """A chat with the model that is there."""
    return asking(chat("Hi you", model="parrot", **fields), "/api/chat")


def lines(body: bytes) -> list[Any]:
    assert body.endswith(b"\n")
    return [msgspec.json.decode(line) for line in body.splitlines()]


async def test_a_stream_has_one_object_a_line_and_ends_with_done() -> None:
    async with OllamaStandin.serving() as vendor:
        status, headers, body = await answered(vendor, said(think=True))
    assert (status, headers["content-type"]) == (200, "application/x-ndjson")
    *running, last = lines(body)
    assert all(line["done"] is False for line in running)
    assert [line["message"].get("thinking") for line in running[:3]] == ["Let ", "me ", "think. "]
    assert "".join(line["message"]["content"] for line in running) == "You said: Hi you"
    assert (last["done"], last["done_reason"], last["message"]["content"]) == (True, "stop", "")
    assert (last["prompt_eval_count"], last["eval_count"]) == (3, 7)
    assert last["eval_duration"] == 7 * 20_000_000


async def test_a_whole_answer_is_one_object() -> None:
    async with OllamaStandin.serving() as vendor:
        _, headers, body = await answered(vendor, said(stream=False))
    assert headers["content-type"] == "application/json"
    assert msgspec.json.decode(body)["message"]["content"] == "You said: Hi you"


async def test_no_messages_load_a_model_and_none_of_its_time_drops_it() -> None:
    empty = {"model": "parrot", "messages": [], "stream": False}
    async with OllamaStandin.serving() as vendor:
        _, _, body = await answered(vendor, asking(empty, "/api/chat"))
        assert msgspec.json.decode(body)["done_reason"] == "load"
        _, _, body = await answered(vendor, request("GET", "/api/ps"))
        (loaded,) = msgspec.json.decode(body)["models"]
        assert (loaded["name"], loaded["expires_at"]) == ("parrot:latest", "2026-11-21T00:05:00Z")
        _, _, body = await answered(vendor, asking(empty | {"keep_alive": 0}, "/api/chat"))
        assert msgspec.json.decode(body)["done_reason"] == "unload"
        assert vendor.store.running() == []


@pytest.mark.parametrize(
    ("keep_alive", "seconds"), [("90s", 90), ("1h30m", 5400), (12, 12), (None, 300), ("500ms", 0.5)]
)
async def test_a_model_is_dropped_when_its_time_is_over(keep_alive: Any, seconds: float) -> None:
    async with OllamaStandin.serving() as vendor:
        await answered(vendor, said(keep_alive=keep_alive))
        vendor.advance(seconds - 0.1)
        assert len(vendor.store.running()) == 1
        vendor.advance(0.2)
        assert vendor.store.running() == []


async def test_a_duration_without_unit_is_no_text() -> None:
    async with OllamaStandin.serving(strict=False) as vendor:
        status, _, _ = await answered(vendor, said(keep_alive="300"))
    assert status == 400


async def test_a_completion_by_the_older_route() -> None:
    asked = {"model": "parrot", "prompt": "Hi you", "stream": False}
    async with OllamaStandin.serving() as vendor:
        _, _, body = await answered(vendor, asking(asked, "/api/generate"))
    found = msgspec.json.decode(body)
    assert (found["response"], found["done_reason"]) == ("You said: Hi you", "stop")
    assert "message" not in found


async def test_it_says_that_it_runs() -> None:
    async with OllamaStandin.serving() as vendor:
        assert (await answered(vendor, request("GET", "/")))[2] == b"Ollama is running"
        assert b"200 OK" in await told(vendor, request("HEAD", "/"))
        _, _, body = await answered(vendor, request("GET", "/api/version"))
    assert msgspec.json.decode(body).keys() == {"version"}


async def test_errors_are_a_sentence() -> None:
    async with OllamaStandin.serving() as vendor:
        missing = await answered(vendor, asking(chat(model="owl"), "/api/chat"))
        assert (missing[0], missing[2]) == (404, b'{"error":"model \'owl\' not found"}')
        vendor.fault("stream-error")
        *_, last = lines((await answered(vendor, said()))[2])
    assert last == {
        "error": "server busy, please try again.  maximum pending requests exceeded"
    }  # fmt: skip


async def test_a_model_named_after_a_fault_plays_it() -> None:
    async with OllamaStandin.serving() as vendor:
        asked = asking(chat(model="standin-error-503"), "/api/chat")
        status, headers, _ = await answered(vendor, asked)
    assert (status, headers["retry-after"]) == (503, "1")
