"""Tools and JSON answers over HTTP, with the official client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from breeze.contracts.events import Finish, TextDelta, ToolCallDelta
from breeze.contracts.requests import ChatRequest
from breeze.testing.scripted import Script, scripted
from tests.http.conftest import Serve
from tests.http.openai_wire import official, post
from tests.runners.llamacpp_files import models as models

PATH = "/v1/chat/completions"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [
    {"type": "function", "function": {"name": "weather", "description": "?", "parameters": CITY}},
    {"type": "function", "function": {"name": "time"}},
]
ASKED: Any = [{"role": "user", "content": "Weather?"}]


class Place(BaseModel):
    """What the answers that must obey a schema look like."""

    city: str
    people: int


def only_call(answer: Any) -> Any:
    """The one tool call of an answer."""
    (call,) = answer.choices[0].message.tool_calls
    assert call.type == "function"
    return call


def local(folder: Path) -> dict[str, Any]:
    """How to open an engine whose llama.cpp reads its models from `folder`."""
    return {"overrides": {"llamacpp": {"models_dir": str(folder)}}}


@pytest.mark.parametrize("model", ["mock_llm", "llamacpp/caller"])
async def test_a_call_whole_and_streamed_is_the_same(
    serve: Serve, models: Path, model: str
) -> None:
    async with serve(**local(models)) as server, official(server) as client:
        whole = await client.chat.completions.create(
            model=model, messages=ASKED, tools=TOOLS, tool_choice="required", max_tokens=60
        )
        async with client.chat.completions.stream(
            model=model, messages=ASKED, tools=TOOLS, tool_choice="required", max_tokens=60
        ) as stream:
            streamed = await stream.get_final_completion()
    for answer in (whole, streamed):
        call = only_call(answer)
        assert call.function.name == "weather"
        assert set(json.loads(call.function.arguments)) == {"city"}
        assert call.id
        assert answer.choices[0].finish_reason == "tool_calls"
        assert answer.choices[0].message.content is None


async def test_a_named_tool_is_called(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        answer = await client.chat.completions.create(
            model="mock_llm",
            messages=ASKED,
            tools=TOOLS,
            tool_choice={"type": "function", "function": {"name": "time"}},
        )
    call = only_call(answer)
    assert (call.function.name, call.function.arguments) == ("time", "{}")


async def test_the_loop_goes_on_with_what_the_tool_said(serve: Serve, models: Path) -> None:
    async with serve(**local(models)) as server, official(server) as client:
        first = await client.chat.completions.create(
            model="llamacpp/caller", messages=ASKED, tools=TOOLS, max_tokens=60
        )
        said = first.choices[0].message
        call = only_call(first)
        turns = [*ASKED, said, {"role": "tool", "tool_call_id": call.id, "content": "Sun"}]
        again = await client.chat.completions.create(
            model="mock_llm", messages=turns, tools=TOOLS, max_tokens=60
        )
    assert "Sun" in (again.choices[0].message.content or "")
    assert again.choices[0].finish_reason == "stop"


async def test_pieces_of_two_calls_side_by_side_are_put_together(serve: Serve) -> None:
    script = Script(
        [
            ToolCallDelta(0, "c0", "weather"),
            ToolCallDelta(1, "c1", "time"),
            ToolCallDelta(0, arguments='{"city": '),
            ToolCallDelta(1, arguments="{}"),
            ToolCallDelta(0, arguments='"Oslo"}'),
            Finish("tool_calls"),
        ]
    )
    async with serve(runners=[scripted("caller", script)]) as server, official(server) as client:
        async with client.chat.completions.stream(
            model="caller", messages=ASKED, tools=TOOLS
        ) as stream:
            answer = await stream.get_final_completion()
        raw = await post(server, PATH, model="caller", messages=ASKED, tools=TOOLS, stream=True)
    calls: Any = answer.choices[0].message.tool_calls
    assert [(c.id, c.function.name, c.function.arguments) for c in calls] == [
        ("c0", "weather", '{"city": "Oslo"}'), ("c1", "time", "{}"),
    ]  # fmt: skip
    pieces = [p for c in raw.chunks for x in c["choices"] for p in x["delta"].get("tool_calls", ())]
    assert [piece.get("id") for piece in pieces] == ["c0", "c1", None, None, None]
    assert all("name" not in piece["function"] for piece in pieces[2:])


async def test_a_model_without_tools_refuses_them(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        with pytest.raises(openai.BadRequestError, match="cannot call tools") as refused:
            await client.chat.completions.create(model="llamacpp", messages=ASKED, tools=TOOLS)
    assert refused.value.param == "tools"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "maybe", "tools": TOOLS}, "tool_choice"),
        (
            {"tool_choice": {"type": "function", "function": {"name": "x"}}, "tools": TOOLS},
            "tool_choice",
        ),
        ({"tools": [{"type": "web"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": 1}}]}, "tools[0].function.name"),
        ({"tools": {}}, "tools"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
    ],
)
async def test_what_is_wrong_is_named(serve: Serve, fields: dict[str, Any], param: str) -> None:
    async with serve() as server:
        raw = await post(server, PATH, model="mock_llm", messages=ASKED, **fields)
    assert (raw.status, raw.error["param"]) == (400, param)


@pytest.mark.parametrize("model", ["mock_llm", "llamacpp"])
async def test_any_object(serve: Serve, model: str) -> None:
    async with serve() as server, official(server) as client:
        answer = await client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "Say something in JSON"}],
            response_format={"type": "json_object"},
            max_tokens=400,
            seed=1,
        )
    choice = answer.choices[0]
    if choice.finish_reason == "stop":
        assert isinstance(json.loads(choice.message.content or ""), dict)
    else:  # a tiny model may not find the end of its object
        assert choice.finish_reason == "length"
        assert (choice.message.content or "").startswith("{")


@pytest.mark.parametrize("model", ["mock_llm", "llamacpp"])
async def test_an_answer_that_obeys_a_schema_is_parsed(serve: Serve, model: str) -> None:
    class Small(BaseModel):
        """Small enough for any model."""

        sure: bool

    async with serve() as server, official(server) as client:
        answer = await client.chat.completions.parse(
            model=model, messages=ASKED, response_format=Small, max_tokens=60
        )
        async with client.chat.completions.stream(
            model=model, messages=ASKED, response_format=Small, max_tokens=60
        ) as stream:
            streamed = await stream.get_final_completion()
    for found in (answer, streamed):
        assert isinstance(found.choices[0].message.parsed, Small)


async def test_the_schema_reaches_the_runner(serve: Serve) -> None:
    script = Script([TextDelta('{"city": "Oslo", "people": 700000}'), Finish()])
    async with serve(runners=[scripted("exact", script)]) as server, official(server) as client:
        answer = await client.chat.completions.parse(
            model="exact", messages=ASKED, response_format=Place
        )
    assert answer.choices[0].message.parsed == Place(city="Oslo", people=700_000)
    asked = script.calls[0].request
    assert isinstance(asked, ChatRequest)
    assert asked.response_format is not None
    assert asked.response_format.strict
    assert asked.response_format.name == "Place"
    assert set((asked.response_format.schema or {})["properties"]) == {"city", "people"}


async def test_messages_of_the_clients_helpers_may_be_sent_back(serve: Serve) -> None:
    call = [ToolCallDelta(0, "c0", "weather", '{"city": "Oslo"}'), Finish("tool_calls")]
    text = [TextDelta('{"city": "Oslo", "people": 1}'), Finish()]
    script = Script(call, call, text)
    strict: Any = [openai.pydantic_function_tool(Place, name="weather")]
    async with serve(runners=[scripted("one", script)]) as server, official(server) as client:
        async with client.chat.completions.stream(
            model="one", messages=ASKED, tools=TOOLS
        ) as stream:
            streamed = (await stream.get_final_completion()).choices[0].message
        lax: Any = [{**strict[0], "function": {**strict[0]["function"], "parameters": CITY}}]
        called = await client.chat.completions.parse(model="one", messages=ASKED, tools=lax)
        parsed = await client.chat.completions.parse(
            model="one", messages=ASKED, response_format=Place
        )
        said = {"role": "tool", "tool_call_id": "c0", "content": "Sun"}
        turns: Any = [
            *ASKED, streamed, said, called.choices[0].message, said,
            parsed.choices[0].message.model_dump(warnings=False),
        ]  # fmt: skip
        await client.chat.completions.create(model="one", messages=turns)
    asked = script.calls[-1].request
    assert isinstance(asked, ChatRequest)
    assert [message.role for message in asked.messages] == [
        "user", "assistant", "tool", "assistant", "tool", "assistant",
    ]  # fmt: skip
    assert asked.messages[1].tool_calls == asked.messages[3].tool_calls
