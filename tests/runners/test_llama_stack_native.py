"""Servers that have nothing of OpenAI's: the llama_stack runner speaks their own protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from breeze.contracts.errors import CapabilityError, ProcessingError, RunnerError
from breeze.contracts.messages import (
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
)
from breeze.contracts.requests import ChatRequest
from breeze.testing.media import png
from breeze.testing.standins.llama_stack import LlamaStackStandin
from tests.runners.stacking import answer, bodies, running, told_the_weather

PLACE = {"place": {"type": "string", "description": "Where"}}
WEATHER = Tool("weather", "", {"type": "object", "properties": PLACE, "required": ["place"]})


@pytest.fixture
async def vendor() -> AsyncIterator[LlamaStackStandin]:
    async with LlamaStackStandin.serving(profile="0.2.14") as vendor:
        vendor.lacks = ("/chat/completions",)
        yield vendor


@pytest.mark.parametrize("whole", [False, True])
async def test_an_answer(vendor: LlamaStackStandin, whole: bool) -> None:
    async with running(vendor) as runner:
        found = await answer(runner, ChatRequest.of("Hello there", whole=whole))
        short = await answer(runner, ChatRequest.of("Hi", max_tokens=2, whole=whole))
    assert (found.text, found.finish_reason) == ("You said: Hello there", "stop")
    assert (short.text, short.finish_reason) == ("You said: ", "length")
    assert found.usage is not None
    assert found.usage.completion_tokens == 4
    sent = bodies(vendor, "/inference/chat-completion")
    assert sent[0] == {
        "model_id": "parrot", "messages": [{"role": "user", "content": "Hello there"}],
        "sampling_params": {
            "strategy": {"type": "top_p", "temperature": 0.7, "top_p": 1.0}, "max_tokens": 4096
        },
        "stream": not whole,
    }  # fmt: skip


@pytest.mark.parametrize("whole", [False, True])
async def test_tools(vendor: LlamaStackStandin, whole: bool) -> None:
    async with running(vendor) as runner:
        then = await told_the_weather(runner, WEATHER, whole=whole)
    assert then.text == "The tool said: Rain."
    body, later = bodies(vendor, "/inference/chat-completion")
    parameter = {"param_type": "string", "description": "Where", "required": True}
    assert body["tools"] == [
        {"tool_name": "weather", "description": "", "parameters": {"place": parameter}}
    ]
    assert later["messages"][1]["tool_calls"][0]["arguments"] == {"place": "text"}
    assert later["messages"][2]["call_id"] == "call_0"


async def test_everything_of_a_request_is_sent_or_reported(vendor: LlamaStackStandin) -> None:
    picture = Message("user", (TextPart("What is it?"), ImagePart(png(8, 8))))
    request = ChatRequest(
        (picture,), temperature=0.5, top_k=3, stop=("x",), n=2, seed=1, presence_penalty=0.1,
        response_format=ResponseFormat("json_object"), tools=(WEATHER,),
        tool_choice=NamedTool("weather"),
    )  # fmt: skip
    async with running(vendor, enable_vision=True) as runner:
        found = await answer(runner, request)
        await answer(runner, ChatRequest.of("Hi", temperature=0.0))
    body, greedy = bodies(vendor, "/inference/chat-completion")
    assert body["messages"][0]["content"][1]["image"].keys() == {"data"}
    assert body["sampling_params"]["strategy"] == {"type": "top_k", "top_k": 3}
    assert body["sampling_params"]["stop"] == ["x"]
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"type": "object"}}
    assert body["tool_choice"] == "required"
    assert [note.field for note in found.adjustments] == [
        "n", "seed", "presence_penalty", "temperature", "tool_choice"
    ]  # fmt: skip
    assert greedy["sampling_params"]["strategy"] == {"type": "greedy"}


@pytest.mark.parametrize(
    "fault", ["stream-cut", "stream-reset", "early-close", "early-end", "stream-error"]
)
async def test_a_broken_stream_is_never_an_answer(vendor: LlamaStackStandin, fault: str) -> None:
    vendor.fault(fault, on="POST /v1/inference", after=3)
    async with running(vendor) as runner:
        with pytest.raises(RunnerError) as caught:
            await answer(runner, "one two three four five")
    if fault.startswith("early"):
        assert isinstance(caught.value, ProcessingError)
        assert caught.value.detail == "cut"


async def test_a_server_without_any_chat_says_so(vendor: LlamaStackStandin) -> None:
    vendor.lacks = ("/chat/completions", "/chat-completion")
    async with running(vendor) as runner:
        with pytest.raises(CapabilityError, match="has no chat"):
            await answer(runner)
