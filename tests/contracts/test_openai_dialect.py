"""OpenAI's chat completions: the request as JSON and back."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breeze.contracts.dialects.openai import chat_from_json, chat_to_json
from breeze.contracts.errors import InputError
from breeze.contracts.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)
from breeze.contracts.request import GuardianOptions
from breeze.contracts.requests import ChatRequest

PNG = b"\x89PNG\r\n\x1a\n....."
text, word = st.text(max_size=12), st.text(min_size=1, max_size=12)
sound = st.binary(min_size=1, max_size=9)
parts = st.one_of(
    st.builds(TextPart, text),
    st.builds(
        ImagePart, st.just(PNG), st.just("image/png"), detail=st.sampled_from(["low", "auto"])
    ),
    st.builds(ImagePart, url=st.just("https://example.org/a.png")),
    st.builds(AudioPart, sound, st.sampled_from(["wav", "mp3"])),
    st.builds(FilePart, sound, st.just("application/pdf"), text),
    st.builds(FilePart, file_id=word),
)
messages = st.one_of(
    st.builds(Message, st.sampled_from(["system", "user"]), text, name=text),
    st.builds(Message, st.just("user"), st.lists(parts, min_size=1, max_size=3).map(tuple)),
    st.builds(
        Message,
        st.just("assistant"),
        text,
        tool_calls=st.lists(st.builds(ToolCall, word, word, text), max_size=2).map(tuple),
        reasoning=text,
    ),
    st.builds(Message, st.just("tool"), text, tool_call_id=word),
)
tools = st.builds(Tool, word, text, st.just({"type": "object"}), st.booleans())
formats = st.one_of(
    st.builds(ResponseFormat, st.sampled_from(["text", "json_object"])),
    st.builds(
        ResponseFormat, st.just("json_schema"), st.just({"type": "object"}), word, st.booleans()
    ),
)
numbers = st.none() | st.floats(-2, 2)
whole = st.none() | st.integers(0, 999)


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    offered = tuple(draw(st.lists(tools, max_size=2)))
    named = [NamedTool(tool.name) for tool in offered]
    choices = ["auto", "none", "required", *named] if offered else ["auto"]
    logprobs = draw(st.booleans())
    return ChatRequest(
        tuple(draw(st.lists(messages, min_size=1, max_size=3))),
        model=draw(word),
        tools=offered,
        tool_choice=draw(st.sampled_from(choices)),
        parallel_tool_calls=draw(st.none() | st.booleans()),
        response_format=draw(st.none() | formats),
        temperature=draw(numbers),
        top_p=draw(numbers),
        top_k=draw(whole),
        max_tokens=draw(whole),
        stop=tuple(draw(st.lists(word, max_size=2))),
        n=draw(st.integers(1, 4)),
        seed=draw(whole),
        presence_penalty=draw(numbers),
        frequency_penalty=draw(numbers),
        logit_bias=draw(st.dictionaries(word, st.floats(-9, 9), max_size=2)),
        logprobs=logprobs,
        top_logprobs=draw(st.integers(0, 20)) if logprobs else 0,
        reasoning_effort=draw(st.sampled_from(["", "low", "high"])),
    )


@given(requests(), st.sampled_from(["max_tokens", "max_completion_tokens"]))
def test_a_request_survives_the_way_out_and_back(request: ChatRequest, limit: str) -> None:
    body = msgspec.json.encode(chat_to_json(request, limit_field=limit))
    back = chat_from_json(msgspec.json.decode(body))
    assert msgspec.structs.replace(back, id=request.id) == request


def test_what_was_not_given_is_not_sent() -> None:
    assert chat_to_json(ChatRequest.of("Hi", model="m"), stream=True) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
    }


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0..", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"BM......", "image/bmp"),
    ],
)
def test_a_pictures_type_is_read_from_its_bytes(data: bytes, mime: str) -> None:
    body = chat_to_json(ChatRequest((Message("user", (ImagePart(data, "image/wrong"),)),)))
    url = body["messages"][0]["content"][0]["image_url"]["url"]
    assert url == f"data:{mime};base64,{base64.b64encode(data).decode()}"


def body(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hi"}], **fields}


def message(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hi", **fields}]}


def part(**fields: Any) -> dict[str, Any]:
    return message(content=[fields])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, ""),
        ([], ""),
        (body(temperatur=1), "temperatur"),
        (body(max_tokens="many"), "max_tokens"),
        (body(stop=5), "stop"),
        (body(n=1.5), "n"),
        (body(max_tokens=1, max_completion_tokens=2), "max_tokens"),
        (body(modalities=["text", "audio"]), "modalities[1]"),
        (body(web_search_options={}), "web_search_options"),
        (body(functions=[]), "functions"),
        (body(tools=[{"type": "custom", "custom": {}}]), "tools[0].type"),
        (body(tools=[{"type": "function", "function": {}}]), "tools[0].function"),
        (body(tool_choice="maybe"), "tool_choice"),
        (body(tool_choice={"type": "allowed_tools"}), "tool_choice"),
        (body(response_format={"type": "grammar"}), "response_format.type"),
        (body(response_format={"type": "json_schema"}), "response_format.json_schema.schema"),
        (body(breeze={"base_url": "http://elsewhere"}), "breeze.base_url"),
        (message(role="function"), "messages[0].role"),
        (message(content=7), "messages[0].content"),
        (message(colour="red"), "messages[0].colour"),
        (part(type="video"), "messages[0].content[0].type"),
        (part(type="text", txt="x"), "messages[0].content[0].txt"),
        (
            part(type="image_url", image_url={"url": "file:///etc/passwd"}),
            "messages[0].content[0].image_url.url",
        ),
        (
            part(type="image_url", image_url={"url": "data:image/png;base64,%%%"}),
            "messages[0].content[0].image_url.url",
        ),
        (
            part(type="input_audio", input_audio={"data": "?", "format": "wav"}),
            "messages[0].content[0].input_audio.data",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(given: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        chat_from_json(given)
    assert caught.value.field.startswith(field)
    assert field in caught.value.message


def test_a_near_miss_names_the_right_field() -> None:
    with pytest.raises(InputError, match="did you mean 'temperature'"):
        chat_from_json(body(temperatur=1))


def test_what_clients_send_along_is_accepted() -> None:
    read = chat_from_json(
        {
            "model": "m",
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
                {
                    "role": "assistant",
                    "content": None,
                    "refusal": None,
                    "annotations": [],
                    "audio": None,
                    "function_call": None,
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}
                    ],
                },
                {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "7"}]},
            ],
            "max_completion_tokens": 5,
            "stop": "END",
            "stream": True,
            "stream_options": {"include_usage": True},
            "user": "u",
            "metadata": {"k": "v"},
            "store": False,
            "service_tier": "auto",
            "temperature": 1,
            "tool_choice": None,
        }
    )
    system, _, assistant, tool = read.messages
    assert system == Message("system", "Be brief.")
    assert assistant.tool_calls == (ToolCall("c", "f", "{"),)
    assert tool.text == "7"
    assert (read.max_tokens, read.stop, read.temperature) == (5, ("END",), 1.0)
    assert read.tool_choice == "auto"


def test_our_own_fields_travel_under_one_name() -> None:
    ours = {
        "runner": "llamacpp",
        "strict": True,
        "session_id": "s",
        "deadline": 5,
        "params": {"min_p": 0.1},
        "guardian": {"enabled": False},
    }
    read = chat_from_json(body(breeze=ours))
    assert (read.runner, read.strict, read.session_id, read.deadline) == ("llamacpp", True, "s", 5)
    assert read.params == {"min_p": 0.1}
    assert read.guardian == GuardianOptions(enabled=False)
