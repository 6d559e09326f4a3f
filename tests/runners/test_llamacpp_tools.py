"""Tools on llama.cpp: called by models that are made for them, refused by the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import InputError, ProcessingError
from breeze.contracts.events import Adjusted, ToolCallDelta
from breeze.contracts.messages import Message, NamedTool, ResponseFormat, Tool, ToolCall
from breeze.contracts.requests import ChatRequest
from breeze.runners.llamacpp import LlamaCppRunner
from tests.runners.llamacpp_files import CHAT, answer, loaded, write_talker
from tests.runners.llamacpp_files import models as models

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather", "The weather of a city", CITY)
TOOLS = (WEATHER, Tool("time", "The time"))


async def ask(runner: LlamaCppRunner, **fields: Any) -> ChatAnswer:
    return await answer(runner, ChatRequest.of("Weather?", max_tokens=40, **fields))


@pytest.mark.parametrize("choice", ["auto", "required", NamedTool("weather")])
async def test_a_model_made_for_tools_calls_them(models: Path, choice: Any) -> None:
    async with loaded("caller", models_dir=models) as runner:
        found = await ask(runner, tools=TOOLS, tool_choice=choice)
        (call,) = found.tool_calls
        assert (call.name, call.arguments) == ("weather", '{"city": "Oslo"}')
        assert call.id
        assert (found.text, found.finish_reason) == ("", "tool_calls")


async def test_tool_choice_none_offers_no_tool(models: Path) -> None:
    async with loaded("caller", models_dir=models) as runner:
        found = await ask(runner, tools=TOOLS, tool_choice="none")
        assert found.tool_calls == ()
        assert found.finish_reason == "stop"


async def test_a_named_tool_is_the_only_one_the_model_sees(models: Path) -> None:
    async with loaded("caller", models_dir=models) as runner:
        both = await ask(runner, tools=TOOLS)
        one = await ask(runner, tools=TOOLS, tool_choice=NamedTool("weather"))
        assert both.usage is not None
        assert one.usage is not None
        assert one.usage.prompt_tokens < both.usage.prompt_tokens


async def test_tools_are_refused_by_a_model_that_has_no_place_for_them() -> None:
    async with loaded("") as runner:
        with pytest.raises(InputError, match="breeze-tiny cannot call tools") as caught:
            await ask(runner, tools=TOOLS)
        assert caught.value.field == "tools"
        assert (await ask(runner, tools=TOOLS, tool_choice="none")).text


@pytest.mark.parametrize("mention", ["{# no tools #}", "You have no tools."])
async def test_a_template_must_use_tools_not_just_mention_them(
    tmp_path: Path, mention: str
) -> None:
    write_talker(tmp_path / "shy.gguf", template=mention + CHAT)
    async with loaded("shy", models_dir=tmp_path) as runner:
        with pytest.raises(InputError, match="shy cannot call tools"):
            await ask(runner, tools=TOOLS)


async def test_a_required_call_that_does_not_come_is_an_error(tmp_path: Path) -> None:
    template = "{% if tools %}{{ tools | tojson }}{% endif %}" + CHAT
    write_talker(tmp_path / "chatty.gguf", template=template, context=1024)
    async with loaded("chatty", models_dir=tmp_path) as runner:
        assert (await ask(runner, tools=TOOLS)).text == "Hello, world again"
        with pytest.raises(ProcessingError, match="without the tool call"):
            await ask(runner, tools=TOOLS, tool_choice="required")


async def test_tools_with_a_bound_format_are_refused(models: Path) -> None:
    async with loaded("caller", models_dir=models) as runner:
        with pytest.raises(InputError, match="leave one out"):
            await ask(runner, tools=TOOLS, response_format=ResponseFormat("json_object"))


async def test_logprobs_with_tools_are_left_out_openly(models: Path) -> None:
    async with loaded("caller", models_dir=models) as runner:
        request = ChatRequest.of("Weather?", tools=TOOLS, logprobs=True)
        events = [event async for event in runner.stream(request)]
        assert isinstance(events[0], Adjusted)
        assert events[0].field == "logprobs"
        assert [event for event in events if isinstance(event, ToolCallDelta)]


async def test_a_tools_answer_goes_back_to_the_model(models: Path) -> None:
    async with loaded("caller", models_dir=models) as runner:
        turns = (
            Message("user", "Weather?"),
            Message("assistant", tool_calls=(ToolCall("c1", "weather", '{"city": "Oslo"}'),)),
            Message("tool", "Sunny", tool_call_id="c1"),
        )
        found = await answer(runner, ChatRequest(turns, tools=TOOLS))
        assert found.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "arguments", ["{oops", "[" * 101 + "]" * 101, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000]
)
async def test_broken_or_bottomless_arguments_are_refused(models: Path, arguments: str) -> None:
    """Deep enough JSON would end the whole process inside llama.cpp."""
    async with loaded("caller", models_dir=models) as runner:
        call = Message("assistant", tool_calls=(ToolCall("c1", "weather", arguments),))
        turns = (Message("user", "Weather?"), call, Message("tool", "7", tool_call_id="c1"))
        with pytest.raises(InputError) as caught:
            await answer(runner, ChatRequest(turns, tools=TOOLS))
        assert caught.value.field == "messages[1].tool_calls[0].arguments"
