"""What the ollama runner sends is what the official client sends for the same call."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.messages import (
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)
from breeze.contracts.requests import ChatRequest
from breeze.runners._ollama_host import server_url
from breeze.runners._ollama_models import list_models
from breeze.runners._ollama_pull import pulled
from breeze.runners.ollama import OllamaRunner
from breeze.testing.standins import Call
from breeze.testing.standins.ollama import OllamaStandin
from tests.clients.recording import recorded
from tests.clients.scripted import outcomes
from tests.runners.ollama_asking import asking, embedding, events, running

pytestmark = pytest.mark.timeout(900)  # the first run installs the client
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
PLACE = {
    "type": "object",
    "properties": {"place": {"type": "string", "description": "A town"}},
    "required": ["place"],
}
WEATHER = Tool("weather", "Tells the weather.", PLACE)
TALK = (
    Message("user", "Hi you"),
    Message("assistant", reasoning="hm",
            tool_calls=(ToolCall("c1", "weather", '{"place": "Oslo"}'),)),
    Message("tool", "Sun", tool_call_id="c1"),
)  # fmt: skip
OPTIONS: dict[str, Any] = {
    "temperature": 0.1, "top_p": 0.2, "top_k": 3, "seed": 4, "max_tokens": 5, "stop": ("x", "y"),
    "presence_penalty": 0.6, "frequency_penalty": 0.7,
}  # fmt: skip
CHATS: dict[str, tuple[dict[str, Any], ChatRequest]] = {
    "chat_plain": ({}, ChatRequest.of("Hi you", system="Be brief.", model="parrot", whole=True)),
    "chat_streamed": ({}, asking()),
    "chat_images": ({}, ChatRequest(
        (Message("user", (TextPart("What is it?"), ImagePart(PNG))),), model="parrot", whole=True,
    )),
    "chat_json": ({}, asking(response_format=ResponseFormat("json_object"), whole=True)),
    "chat_schema": ({}, asking(response_format=ResponseFormat("json_schema", PLACE), whole=True)),
    "chat_options": ({"repeat_penalty": 1.1, "num_ctx": 2048, "keep_alive": "5m"},
                     asking(whole=True, **OPTIONS)),
    "chat_probabilities": ({}, asking(logprobs=True, top_logprobs=2, whole=True)),
    "chat_thinking": ({}, asking(reasoning_effort="low")),
    "chat_tools": ({}, asking("Use weather", tools=(WEATHER,))),
    "chat_tool_result": ({}, ChatRequest(TALK, model="parrot", tools=(WEATHER,), whole=True)),
    "with_a_key": ({"api_key": "k-1"}, asking(whole=True)),
}  # fmt: skip
"""Parameters and request of our runner for each call of the official client."""
LEFT_OUT = ("truncate", "insecure")
"""We ask the server to refuse what is too long: the client cannot, and the server cuts it. The
client says that a registry must be secure, which is so without a word."""


def plain(body: Any) -> Any:
    """A body without what is deliberately different.

    The client sends an empty list of tools where we send none, and an empty text where a message
    has none; we send the ids of tool calls, which the client drops although servers read them.
    """
    if not isinstance(body, dict):
        return body
    said = {name: value for name, value in body.items() if name not in LEFT_OUT}
    if not said.get("tools", True):
        del said["tools"]
    if "messages" in said:
        said["messages"] = [_plain_message(message) for message in said["messages"]]
    return said


def _plain_message(message: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in message.items() if value and name != "tool_call_id"}
    if calls := said.get("tool_calls"):
        said["tool_calls"] = [{n: v for n, v in call.items() if n != "id"} for call in calls]
    return said


def shown(call: Call) -> dict[str, Any]:
    """What of a call counts."""
    return {
        "method": call.method,
        "target": call.target,
        "type": call.headers.get("content-type") if call.body else None,
        "key": call.headers.get("authorization"),
        "body": plain(call.json) if call.body else None,
    }


async def _chat(vendor: OllamaStandin, name: str) -> None:
    values, request = CHATS[name]
    async with running(vendor, **values) as runner:
        await events(runner, request)


def _by(work: Callable[[OllamaRunner], Awaitable[object]]) -> Callable[[OllamaStandin], Any]:
    async def run(vendor: OllamaStandin) -> None:
        async with running(vendor) as runner:
            await work(runner)

    return run


async def _pull(runner: OllamaRunner) -> None:
    assert runner._http is not None
    async for _ in pulled(runner._http, "owl", ()):
        pass


async def _list(runner: OllamaRunner) -> None:
    assert runner._http is not None
    await list_models(runner._http, ())


OTHERS: dict[str, Callable[[OllamaStandin], Awaitable[None]]] = {
    "embed_several": _by(lambda runner: events(runner, embedding("one", "two", dimensions=4))),
    "list_models": _by(_list),
    "pull_streamed": _by(_pull),
}


async def test_every_call_is_the_same_on_the_wire(tmp_path: Path) -> None:
    async with OllamaStandin.serving() as vendor:
        official = await recorded("ollama", "ollama_calls", vendor, tmp_path)
        ours: dict[str, Call] = {}
        for name in official.calls:
            if name in CHATS:
                await _chat(vendor, name)
            elif name in OTHERS:
                await OTHERS[name](vendor)
            else:
                continue
            ours[name] = vendor.calls[-1]
    assert ours.keys() | {"show_model"} == official.calls.keys()
    for name, call in ours.items():
        assert shown(call) == shown(official.calls[name]), name


async def test_a_model_is_looked_at_as_the_client_does(tmp_path: Path) -> None:
    async with OllamaStandin.serving() as vendor:
        official = await recorded("ollama", "ollama_calls", vendor, tmp_path)
    async with OllamaStandin.serving(profile="old") as vendor, running(vendor) as runner:
        await runner.models()
        ours = next(call for call in vendor.calls if call.path == "/api/show")
    assert shown(ours) == shown(official.calls["show_model"])


async def test_the_client_understands_the_stand_in(tmp_path: Path) -> None:
    async with OllamaStandin.serving() as vendor:
        seen = (await recorded("ollama", "ollama_calls", vendor, tmp_path)).returned
    assert seen["chat_streamed"] == "You said: Hi you"
    assert seen["chat_thinking"] == ["Let me think. ", "You said: Hi you"]
    assert seen["chat_tools"] == [["weather", {"place": "text"}]]
    assert seen["chat_tool_result"] == "The tool said: Sun"
    assert json.loads(seen["chat_schema"]) == {"place": "text"}
    assert seen["chat_images"].startswith(f"I see a picture of {len(PNG)} bytes (image/png).")
    assert seen["embed_several"] == [4, 4]
    assert seen["list_models"] == ["parrot:latest", "vectors:latest"]
    assert seen["pull_streamed"][0] == "pulling manifest"
    assert seen["pull_streamed"][-1] == "success"
    assert "thinking" in seen["show_model"]


async def test_the_client_reads_addresses_alike(tmp_path: Path) -> None:
    parsed = (await outcomes("ollama", "ollama_hosts", tmp_path))["parsed"]["returned"]
    assert {said: server_url(said) for said in parsed} == parsed
