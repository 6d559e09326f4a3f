"""The ollama runner: what it sends, and what comes back."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from breeze.contracts.errors import InputError, NotLoadedError
from breeze.contracts.events import (
    Adjusted,
    Finish,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from breeze.contracts.messages import (
    AudioPart,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)
from breeze.contracts.requests import ChatRequest
from breeze.contracts.values import TokenLogprob, Usage
from breeze.runners.ollama import OllamaRunner
from breeze.testing.conformance import check_runner
from breeze.testing.media import png
from breeze.testing.standins.ollama import OllamaStandin
from tests.runners.ollama_asking import (
    MODEL,
    answer,
    asking,
    embedding,
    events,
    made,
    running,
    vectors,
)

PLACE = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
WEATHER, TIME = Tool("weather", "Tells the weather.", PLACE), Tool("time")


@pytest.fixture
async def vendor() -> AsyncIterator[OllamaStandin]:
    async with OllamaStandin.serving() as vendor:
        yield vendor


@pytest.fixture
async def runner(vendor: OllamaStandin) -> AsyncIterator[OllamaRunner]:
    async with running(vendor) as runner:
        yield runner


async def sent(vendor: OllamaStandin, request: ChatRequest, **values: Any) -> Any:
    """The body that the server was sent."""
    async with running(vendor, **values) as runner:
        await events(runner, request)
    return vendor.calls[-1].json


@pytest.mark.parametrize("profile", OllamaStandin.profiles)
async def test_it_passes_the_kit(profile: str) -> None:
    async with OllamaStandin.serving(profile=profile) as vendor:
        settings = {"base_url": vendor.url, "api_key": vendor.key}
        model = "parrot:latest" if profile == "plain" else ""  # it chats, and sees nothing
        report = await check_runner(OllamaRunner, settings, model=model)
    assert report.ok, report.render()


async def test_a_streamed_answer(vendor: OllamaStandin, runner: OllamaRunner) -> None:
    found = await events(runner, asking(max_tokens=3, temperature=0.5))
    assert found == [
        TextDelta("You "),
        TextDelta("said: "),
        TextDelta("Hi "),
        Usage(3, 3),
        Finish(
            "length",
            metadata={
                "model_name": MODEL,
                "prompt_tokens": 3,
                "tokens_generated": 3,
                "token_count": 3,
                "generation_speed": 50.0,
            },
        ),
    ]
    assert vendor.calls[0].json == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hi you"}],
        "stream": True,
        "options": {"temperature": 0.5, "num_predict": 3},
        "truncate": False,
    }


async def test_streaming_and_whole_give_the_same(runner: OllamaRunner) -> None:
    wishes: list[dict[str, Any]] = [
        {},
        {"max_tokens": 2},
        {"reasoning_effort": "high"},
        {"tools": (WEATHER,), "text": "Use weather"},
        {"response_format": ResponseFormat("json_schema", PLACE)},
    ]
    for wish in wishes:
        assert await answer(runner, asking(whole=True, **wish)) == await answer(
            runner, asking(**wish)
        )


async def test_a_whole_answer_is_not_streamed(vendor: OllamaStandin, runner: OllamaRunner) -> None:
    found = await events(runner, asking(whole=True))
    assert [e for e in found if isinstance(e, TextDelta)] == [TextDelta("You said: Hi you")]
    assert vendor.calls[0].json["stream"] is False


async def test_thinking_comes_before_the_text(runner: OllamaRunner) -> None:
    found = await events(runner, asking(reasoning_effort="low"))
    kinds = [type(event) for event in found]
    assert kinds == [ReasoningDelta] * 3 + [TextDelta] * 4 + [Usage, Finish]


@pytest.mark.parametrize(
    ("effort", "usual", "said"),
    [
        ("", "auto", None),
        ("", "on", True),
        ("", "off", False),
        ("", "medium", "medium"),
        ("none", "high", False),
        ("minimal", "auto", "low"),
        ("high", "off", "high"),
    ],
)
async def test_how_much_it_thinks(
    vendor: OllamaStandin, effort: str, usual: str, said: bool | str | None
) -> None:
    body = await sent(vendor, asking(reasoning_effort=effort), think=usual)
    assert body.get("think") == said


async def test_a_request_may_say_how_much_it_thinks(vendor: OllamaStandin) -> None:
    body = await sent(vendor, asking(params={"think": "low", "min_p": 0.1}))
    assert (body["think"], body["options"]) == ("low", {"min_p": 0.1})


@pytest.mark.parametrize("whole", [False, True])
async def test_a_model_that_cannot_think_answers_all_the_same(whole: bool) -> None:
    """A fallback need not be able to do all that the first choice can."""
    async with OllamaStandin.serving(profile="plain") as vendor, running(vendor) as runner:
        first, *rest = await events(runner, asking(reasoning_effort="high", whole=whole))
    why = "parrot does not think before it answers"
    assert first == Adjusted("reasoning_effort", "high", "", why)
    assert "".join(e.text for e in rest if isinstance(e, TextDelta)) == "You said: Hi you"
    assert [call.json.get("think") for call in vendor.calls] == ["high", None]


async def test_a_tool_is_called(vendor: OllamaStandin, runner: OllamaRunner) -> None:
    found = await events(runner, asking("Use weather and time", tools=(WEATHER, TIME)))
    calls = [event for event in found if isinstance(event, ToolCallDelta)]
    assert calls == [
        ToolCallDelta(0, "call_0", "weather", '{"place":"text"}'),
        ToolCallDelta(1, "call_1", "time", "{}"),
    ]
    assert isinstance(found[-1], Finish)
    assert found[-1].reason == "tool_calls"
    weather, time = vendor.calls[0].json["tools"]
    assert weather["function"] == {
        "name": "weather", "description": "Tells the weather.", "parameters": PLACE,
    }  # fmt: skip
    assert time == {"type": "function", "function": {"name": "time"}}


async def test_what_the_tool_said_is_told(vendor: OllamaStandin, runner: OllamaRunner) -> None:
    talk = (
        Message("user", "Use weather"),
        Message("assistant", tool_calls=(ToolCall("c1", "weather", '{"place":"Oslo"}'),),
                reasoning="hm"),
        Message("tool", "Sun", tool_call_id="c1"),
    )  # fmt: skip
    found = await answer(runner, ChatRequest(talk, model=MODEL, tools=(WEATHER,)))
    assert found.text == "The tool said: Sun"
    assert vendor.calls[0].json["messages"][1:] == [
        {
            "role": "assistant", "content": "", "thinking": "hm",
            "tool_calls": [
                {"id": "c1", "function": {"name": "weather", "arguments": {"place": "Oslo"}}}
            ],
        },
        {"role": "tool", "content": "Sun", "tool_name": "weather", "tool_call_id": "c1"},
    ]  # fmt: skip


async def test_a_picture_is_sent_as_base64(vendor: OllamaStandin, runner: OllamaRunner) -> None:
    picture = png(4, 3)
    parts = (TextPart("What is it?"), ImagePart(picture))
    found = await answer(runner, ChatRequest((Message("user", parts),), model=MODEL))
    assert (
        found.text == f"I see a picture of {len(picture)} bytes (image/png). You said: What is it?"
    )
    (message,) = vendor.calls[0].json["messages"]
    assert message["images"] == [base64.b64encode(picture).decode()]


@pytest.mark.parametrize(
    ("choice", "said"), [("off", "fetch_images is off"), ("public", "must use the port")]
)
async def test_a_picture_by_address_is_fetched_or_refused(
    vendor: OllamaStandin, choice: str, said: str
) -> None:
    """The server takes bytes only. A private address is not fetched unless the operator says so."""
    part = ImagePart(url=f"{vendor.url}/cat.png")
    async with running(vendor, fetch_images=choice) as runner:
        with pytest.raises(InputError, match=said) as refused:
            await answer(runner, ChatRequest((Message("user", (part,)),), model=MODEL))
    assert refused.value.field == "messages[0].images[0]"
    assert vendor.calls == []


async def test_sound_and_files_are_refused(runner: OllamaRunner) -> None:
    parts = (TextPart("Listen"), AudioPart(b"RIFF"))
    with pytest.raises(InputError, match="takes no sound") as refused:
        await answer(runner, ChatRequest((Message("user", parts),), model=MODEL))
    assert refused.value.field == "messages[0].content[1]"


async def test_json_and_schemas(vendor: OllamaStandin, runner: OllamaRunner) -> None:
    found = await answer(runner, asking(response_format=ResponseFormat("json_object")))
    assert found.text == '{"said":"Hi you"}'
    found = await answer(runner, asking(response_format=ResponseFormat("json_schema", PLACE)))
    assert found.text == '{"place":"text"}'
    await answer(runner, asking(response_format=ResponseFormat("text")))
    assert [call.json.get("format") for call in vendor.calls] == ["json", PLACE, None]


async def test_token_probabilities(runner: OllamaRunner) -> None:
    found = await events(runner, asking(logprobs=True, top_logprobs=2, max_tokens=1))
    assert found[0] == TextDelta(
        "You ", logprobs=(TokenLogprob("You ", -0.5, (("You ", -0.5), ("You ", -1.5))),)
    )


async def test_a_server_that_tells_no_probabilities_is_told_of(vendor: OllamaStandin) -> None:
    vendor.fault("odd-no-logprobs")
    async with running(vendor) as runner:
        found = await events(runner, asking(logprobs=True))
    assert found[0] == Adjusted("logprobs", True, False, "this server tells none")
    assert isinstance(found[1], TextDelta)


async def test_every_option_travels(vendor: OllamaStandin) -> None:
    request = asking(
        temperature=0.1, top_p=0.2, top_k=3, seed=4, max_tokens=5, stop=("x", "y"),
        presence_penalty=0.6, frequency_penalty=0.7,
    )  # fmt: skip
    values = {
        "min_p": 0.8, "repeat_penalty": 1.1, "repeat_last_n": -1, "num_ctx": 2048, "num_gpu": 0,
        "num_thread": 2, "options": '{"mirostat": 2, "seed": 1, "num_ctx": 1}', "keep_alive": "5m",
        "truncate": True,
    }  # fmt: skip
    body = await sent(vendor, request, **values)
    assert body["options"] == {
        "temperature": 0.1, "top_p": 0.2, "top_k": 3, "seed": 4, "num_predict": 5,
        "stop": ["x", "y"], "presence_penalty": 0.6, "frequency_penalty": 0.7, "min_p": 0.8,
        "repeat_penalty": 1.1, "repeat_last_n": -1, "num_ctx": 2048, "num_gpu": 0, "num_thread": 2,
        "mirostat": 2,
    }  # fmt: skip
    assert (body["keep_alive"], body["truncate"]) == ("5m", True)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"n": 2}, ("n", 2, 1)),
        ({"logit_bias": {"7": 1.0}}, ("logit_bias", {"7": 1.0}, {})),
        ({"tools": (TIME,), "tool_choice": "required"}, ("tool_choice", "required", "auto")),
        ({"tools": (WEATHER, TIME), "tool_choice": NamedTool("time")},
         ("tool_choice", "time", "auto")),
        ({"tools": (TIME,), "parallel_tool_calls": False}, ("parallel_tool_calls", False, None)),
        ({"reasoning_effort": "max"}, ("reasoning_effort", "max", "high")),
        ({"reasoning_effort": "wild"}, ("reasoning_effort", "wild", "")),
        ({"messages": (Message("user", "Hi", name="Ada"),)}, ("messages[0].name", "Ada", "")),
        ({"messages": (Message("user", (ImagePart(png(1, 1), detail="low"),)),)},
         ("messages[0].images[0].detail", "low", "auto")),
        ({"messages": (Message("assistant", tool_calls=(ToolCall("c", "time", "{oops"),)),
                       Message("user", "Hi"))},
         ("messages[0].tool_calls[0].arguments", "{oops", "{}")),
    ],
)  # fmt: skip
async def test_what_cannot_be_honoured_is_told(
    runner: OllamaRunner, fields: dict[str, Any], told: tuple[str, Any, Any]
) -> None:
    request = ChatRequest(**{"messages": (Message("user", "Hi"),), "model": MODEL, **fields})
    first, *rest = await events(runner, request)
    assert isinstance(first, Adjusted)
    assert (first.field, first.asked, first.used) == told
    assert not any(isinstance(event, Adjusted) for event in rest)


async def test_a_named_tool_is_the_only_one_offered(
    vendor: OllamaStandin, runner: OllamaRunner
) -> None:
    for choice in (NamedTool("time"), "none"):
        await events(runner, asking(tools=(WEATHER, TIME), tool_choice=choice))
    named, none = (call.json.get("tools") for call in vendor.calls)
    assert [tool["function"]["name"] for tool in named] == ["time"]
    assert none is None


async def test_vectors(vendor: OllamaStandin, runner: OllamaRunner) -> None:
    found = await vectors(runner, embedding("one two", "three", dimensions=4))
    assert [len(vector) for vector in found.vectors] == [16, 16]
    assert found.usage == Usage(3)
    assert found.metadata == {"model_name": "vectors"}
    assert vendor.calls[0].json == {
        "model": "vectors", "input": ["one two", "three"], "dimensions": 4, "truncate": False,
    }  # fmt: skip


async def test_a_server_that_knows_no_dimensions_is_told_of() -> None:
    async with OllamaStandin.serving(profile="old") as vendor, running(vendor) as runner:
        first, *rest = await events(runner, embedding("one", dimensions=4))
    assert isinstance(first, Adjusted)
    assert (first.field, first.asked, first.used) == ("dimensions", 4, 8)
    assert len(rest) == 3


@pytest.mark.parametrize(
    ("values", "header", "value"),
    [
        ({"api_key": " k-1\n"}, "authorization", "Bearer k-1"),
        ({"headers": "X-Team: red"}, "x-team", "red"),
        ({}, "authorization", None),
    ],
)
async def test_headers(
    vendor: OllamaStandin, values: dict[str, str], header: str, value: str | None
) -> None:
    await sent(vendor, asking(), **values)
    assert vendor.calls[0].headers.get(header) == value


async def test_connections_are_used_again(vendor: OllamaStandin, runner: OllamaRunner) -> None:
    for whole in (False, True) * 4:
        await answer(runner, asking(whole=whole))
    assert vendor.connections <= 2


async def test_before_load_nothing_is_asked() -> None:
    with pytest.raises(NotLoadedError):
        await answer(made(base_url="127.0.0.1:1"))


async def test_text_that_is_no_unicode_is_refused(runner: OllamaRunner) -> None:
    with pytest.raises(InputError) as refused:
        await answer(runner, asking("half a pair: \ud83d"))
    assert refused.value.field == "messages"
