"""The anthropic runner: what it sends, what it makes of the answers, what it cannot honour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted, ReasoningDelta
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
from breeze.contracts.values import Usage
from breeze.runners.anthropic import AnthropicRunner
from breeze.testing.media import png
from breeze.testing.standins.anthropic import AnthropicStandin
from tests.runners.vendor import MODEL, answer, asking, events, running, talking

WEATHER = Tool(
    "weather", "Tells the weather.", {"properties": {"place": {"type": "string"}}}, strict=True
)


@pytest.fixture
async def vendor() -> AsyncIterator[AnthropicStandin]:
    async with AnthropicStandin.serving() as vendor:
        yield vendor


@pytest.mark.parametrize("whole", [False, True])
async def test_a_chat(vendor: AnthropicStandin, whole: bool) -> None:
    request = asking(system="Be brief.", max_tokens=4, stop=("zzz",), whole=whole)
    async with running(AnthropicRunner, vendor.url) as runner:
        found = await answer(runner, request)
    assert (found.text, found.finish_reason) == ("You said: Good day ", "length")
    assert found.usage == Usage(8, 4)
    assert found.metadata == {"model_name": MODEL}
    (call,) = vendor.calls
    assert (call.method, call.path) == ("POST", "/v1/messages")
    assert call.headers["authorization"] == "Bearer test-key"
    assert call.headers["anthropic-version"] == "2026-10-21"
    assert call.json == {
        "model": MODEL,
        "max_tokens": 4,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Good day to you."}],
        "stop_sequences": ["zzz"],
    } | ({} if whole else {"stream": True})


@pytest.mark.parametrize(
    ("fields", "reason", "text"),
    [
        ({}, "stop", "You said: Good day to you."),
        ({"stop": ("day",)}, "stop", "You said: Good "),
        ({"params": {"max_tokens": 2}}, "length", "You said: "),
    ],
)
async def test_why_an_answer_ends(
    vendor: AnthropicStandin, fields: dict[str, Any], reason: str, text: str
) -> None:
    async with running(AnthropicRunner, vendor.url) as runner:
        for whole in (False, True):
            found = await answer(runner, asking(whole=whole, **fields))
            assert (found.text, found.finish_reason) == (text, reason)


async def test_a_refusal_is_an_end_and_keeps_its_word(vendor: AnthropicStandin) -> None:
    async with running(AnthropicRunner, vendor.url) as runner:
        found = await answer(runner, asking("Tell me of the forbidden fruit."))
    assert found.finish_reason == "content_filter"
    assert found.metadata == {"model_name": MODEL, "finish_reason": "refusal"}


async def test_pictures_and_documents(vendor: AnthropicStandin) -> None:
    picture, paper = png(8, 8), b"%PDF-1.7 small"
    parts = (
        TextPart("What is it?"),
        ImagePart(picture, "image/bmp"),  # its bytes know better
        ImagePart(url="https://pictures.example/a.png"),
        FilePart(paper, "application/pdf", "paper.pdf"),
        FilePart("Grüße".encode(), "text/plain; charset=utf-8", "note.txt"),
        FilePart(picture, "image/png"),
        FilePart(file_id="file_1"),
    )
    async with running(AnthropicRunner, vendor.url) as runner:
        found = await answer(runner, talking(Message("user", parts)))
    assert f"I see a picture of {len(picture)} bytes (image/png)." in found.text
    _, image, address, pdf, note, again, upload = vendor.calls[0].json["messages"][0]["content"]
    assert image["source"]["media_type"] == "image/png"
    assert address["source"] == {"type": "url", "url": "https://pictures.example/a.png"}
    assert (pdf["type"], pdf["title"]) == ("document", "paper.pdf")
    assert pdf["source"]["media_type"] == "application/pdf"
    assert note["source"] == {"type": "text", "media_type": "text/plain", "data": "Grüße"}
    assert again == image
    assert upload == {"type": "document", "source": {"type": "file", "file_id": "file_1"}}


@pytest.mark.parametrize(
    "part",
    [AudioPart(b"RIFF"), ImagePart(b"BM12"), FilePart(b"\x00\x01", "application/zip")],
    ids=["sound", "bitmap", "archive"],
)
async def test_what_is_not_taken_is_named(part: Any) -> None:
    async with running(AnthropicRunner, "http://127.0.0.1:9") as runner:
        with pytest.raises(InputError) as caught:
            await answer(runner, talking(Message("user", (TextPart("Look:"), part))))
    assert caught.value.field == "messages[0].content[1]"


@pytest.mark.parametrize("whole", [False, True])
async def test_a_tool_is_called_and_answered(vendor: AnthropicStandin, whole: bool) -> None:
    asked = Message("user", "How is the weather?")
    more: dict[str, Any] = {"tools": (WEATHER,), "whole": whole}
    async with running(AnthropicRunner, vendor.url) as runner:
        first = await answer(runner, talking(asked, **more))
        assert first.finish_reason == "tool_calls"
        assert first.tool_calls == (ToolCall("toolu_0", "weather", '{"place":"text"}'),)
        turn = Message("assistant", tool_calls=first.tool_calls)
        told = Message("tool", "Snow.", tool_call_id="toolu_0")
        second = await answer(runner, talking(asked, turn, told, **more))
    assert second.text == "The tool said: Snow."
    schema = {"type": "object", **WEATHER.parameters}
    assert vendor.calls[0].json["tools"] == [
        {
            "name": "weather",
            "description": "Tells the weather.",
            "input_schema": schema,
            "strict": True,
        }
    ]
    assert vendor.calls[1].json["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {
                    "type": "tool_use",
                    "id": "toolu_0",
                    "name": "weather",
                    "input": {"place": "text"},
                }
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_0", "content": "Snow."}],
        },
    ]


async def test_results_of_several_tools_are_one_turn(vendor: AnthropicStandin) -> None:
    calls = (ToolCall("a", "weather"), ToolCall("b", "weather"))
    seen = (TextPart("See:"), ImagePart(png(8, 8)))
    request = talking(
        Message("user", "Go."),
        Message("assistant", "I look.", calls),
        Message("tool", "Snow.", tool_call_id="a"),
        Message("tool", seen, tool_call_id="b"),
        Message("user", "And?"),
        tools=(WEATHER,),
    )
    async with running(AnthropicRunner, vendor.url) as runner:
        await answer(runner, request)
    turns = vendor.calls[0].json["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "user"]
    assert [block["type"] for block in turns[1]["content"]] == ["text", "tool_use", "tool_use"]
    assert [block["tool_use_id"] for block in turns[2]["content"]] == ["a", "b"]
    assert turns[2]["content"][1]["content"][1]["type"] == "image"


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        ("auto", None, None),
        ("auto", True, None),
        ("none", False, {"type": "none"}),
        ("required", None, {"type": "any"}),
        (NamedTool("weather"), None, {"type": "tool", "name": "weather"}),
        ("auto", False, {"type": "auto", "disable_parallel_tool_use": True}),
    ],
)
async def test_which_tool(
    vendor: AnthropicStandin, choice: Any, parallel: bool | None, sent: Any
) -> None:
    request = asking(tools=(WEATHER,), tool_choice=choice, parallel_tool_calls=parallel)
    async with running(AnthropicRunner, vendor.url) as runner:
        await answer(runner, request)
    assert vendor.calls[0].json.get("tool_choice") == sent


@pytest.mark.parametrize("whole", [False, True])
async def test_thinking_goes_back_as_it_came(vendor: AnthropicStandin, whole: bool) -> None:
    asked = Message("user", "How is the weather?")
    more: dict[str, Any] = {"tools": (WEATHER,), "whole": whole}
    async with running(AnthropicRunner, vendor.url, thinking="adaptive") as runner:
        first = (await answer(runner, talking(asked, **more))).choices[0]
        assert first.reasoning == "Let me think. "
        turn = Message(
            "assistant",
            tool_calls=first.tool_calls,
            reasoning=first.reasoning,
            reasoning_signature=first.reasoning_signature,
        )
        told = Message("tool", "Snow.", tool_call_id="toolu_0")
        found = await answer(runner, talking(asked, turn, told, **more))
    assert found.adjustments == ()
    thought, use = vendor.calls[1].json["messages"][1]["content"]
    assert (thought["type"], thought["thinking"]) == ("thinking", "Let me think. ")
    assert thought["signature"]  # which the vendor has checked
    assert use["type"] == "tool_use"


@pytest.mark.parametrize("signature", ["", "other:abc", "anthropic:{", 'anthropic:[[5,"s"]]'])
async def test_reasoning_without_its_signature_stays_here_and_that_is_told(
    vendor: AnthropicStandin, signature: str
) -> None:
    earlier = Message("assistant", "Yes.", reasoning="hm", reasoning_signature=signature)
    async with running(AnthropicRunner, vendor.url) as runner:
        found = await answer(
            runner, talking(Message("user", "?"), earlier, Message("user", "Sure?"))
        )
    assert [note.field for note in found.adjustments] == ["messages[1].reasoning"]
    assert vendor.calls[0].json["messages"][1] == {"role": "assistant", "content": "Yes."}


async def test_answers_that_obey_a_schema(vendor: AnthropicStandin) -> None:
    schema = {"type": "object", "properties": {"done": {"type": "boolean"}}}
    wanted = ResponseFormat("json_schema", schema, "done", strict=True)
    async with running(AnthropicRunner, vendor.url) as runner:
        found = await answer(runner, asking(response_format=wanted))
    assert found.text == '{"done":true}'
    assert vendor.calls[0].json["output_config"] == {
        "format": {"type": "json_schema", "schema": schema}
    }


SAMPLING: dict[str, Any] = {"temperature": 0.5, "top_p": 0.9, "top_k": 5}


async def test_sampling_is_for_older_versions_only(vendor: AnthropicStandin) -> None:
    async with running(AnthropicRunner, vendor.url) as runner:
        new = await answer(runner, asking(**SAMPLING))
    async with running(AnthropicRunner, vendor.url, version="2023-06-01") as runner:
        old = await answer(runner, asking(**SAMPLING))
        hot = await answer(runner, asking(temperature=1.5))
    sure = {"version": "2023-06-01", "sampling": "never"}
    async with running(AnthropicRunner, vendor.url, **sure) as runner:
        strict = await answer(runner, asking(model="strict-1", **SAMPLING))
    assert [note.field for note in new.adjustments] == list(SAMPLING)
    assert [note.field for note in strict.adjustments] == list(SAMPLING)
    assert old.adjustments == ()
    assert SAMPLING.items() <= vendor.calls[1].json.items()
    assert [(note.asked, note.used) for note in hot.adjustments] == [(1.5, 1.0)]
    assert vendor.calls[2].json["temperature"] == 1.0


async def test_nothing_is_dropped_in_silence(vendor: AnthropicStandin) -> None:
    request = talking(
        Message("user", (TextPart("Hi"), ImagePart(png(8, 8), detail="low")), name="ann"),
        n=2, seed=1, presence_penalty=0.5, frequency_penalty=0.5, logit_bias={"7": 1.0},
        logprobs=True, top_logprobs=2, response_format=ResponseFormat("json_object"),
        reasoning_effort="minimal",
    )  # fmt: skip
    async with running(AnthropicRunner, vendor.url) as runner:
        found = await events(runner, request)
    assert {event.field for event in found if isinstance(event, Adjusted)} == {
        "messages[0].name", "messages[0].detail", "n", "seed", "presence_penalty",
        "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "response_format",
        "reasoning_effort",
    }  # fmt: skip
    assert vendor.calls[0].json["output_config"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("effort", "sent"),
    [
        ("max", {"output_config": {"effort": "max"}}),
        ("none", {"thinking": {"type": "disabled"}}),
        ("odd", {}),
    ],
)
async def test_effort(vendor: AnthropicStandin, effort: str, sent: dict[str, Any]) -> None:
    async with running(AnthropicRunner, vendor.url) as runner:
        found = await answer(runner, asking(reasoning_effort=effort))
    body = vendor.calls[0].json
    assert {n: body[n] for n in ("thinking", "output_config") if n in body} == sent
    assert bool(found.adjustments) is (effort == "odd")


async def test_what_the_system_says_in_between(vendor: AnthropicStandin) -> None:
    turns = (
        Message("system", "One."),
        Message("system", "Two."),
        Message("user", "Hi"),
        Message("system", "Three."),
        Message("user", "Go."),
    )
    blocks = [{"type": "text", "text": text} for text in ("One.", "Two.")]
    async with running(AnthropicRunner, vendor.url) as runner:
        new = await answer(runner, talking(*turns))
    async with running(AnthropicRunner, vendor.url, version="2023-06-01") as runner:
        old = await answer(runner, talking(*turns))
    first, second = (call.json for call in vendor.calls)
    assert first["system"] == blocks
    assert first["messages"][1] == {"role": "system", "content": "Three."}
    assert new.adjustments == ()
    assert second["system"] == [*blocks, {"type": "text", "text": "Three."}]
    assert [turn["role"] for turn in second["messages"]] == ["user", "user"]
    assert [note.field for note in old.adjustments] == ["messages.role"]


@pytest.mark.parametrize("whole", [False, True])
async def test_white_space_at_the_end_of_a_beginning_stays_here(
    vendor: AnthropicStandin, whole: bool
) -> None:
    turns = Message("user", "Good day."), Message("assistant", "You said: ")
    async with running(AnthropicRunner, vendor.url, prefill=True) as runner:
        found = await answer(runner, talking(*turns, whole=whole))
    assert found.text == "Good day."
    assert vendor.calls[0].json["messages"][1]["content"] == "You said:"


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"thinking": "disabled"}, {"thinking": {"type": "disabled"}}),
        (
            {"thinking": "adaptive", "thinking_display": "omitted"},
            {"thinking": {"type": "adaptive", "display": "omitted"}},
        ),
        (
            {"thinking": "enabled", "thinking_budget": 2000},
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        ),
        ({"cache": "1h"}, {"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        ({"max_tokens": 7}, {"max_tokens": 7}),
    ],
)
async def test_parameters_of_a_request(
    vendor: AnthropicStandin, values: dict[str, Any], sent: dict[str, Any]
) -> None:
    async with running(AnthropicRunner, vendor.url) as runner:
        await answer(runner, asking(params=values))
    assert sent.items() <= vendor.calls[0].json.items()


async def test_tokens_from_the_cache_count_as_read(vendor: AnthropicStandin) -> None:
    async with running(AnthropicRunner, vendor.url, cache="5m") as runner:
        first = (await answer(runner, asking())).usage
        again = (await answer(runner, asking())).usage
    assert first is not None
    assert again is not None
    assert (first.prompt_tokens, first.cached_tokens) == (5, 0)
    assert (again.prompt_tokens, again.cached_tokens) == (5, 4)


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
async def test_headers(vendor: AnthropicStandin, header: str) -> None:
    values = {"key_header": header, "headers": "x-team: red", "beta": "a-1,b-2"}
    async with running(AnthropicRunner, vendor.url + "/v1/", **values) as runner:
        await answer(runner, asking())
    sent = vendor.calls[0].headers
    assert ("authorization" in sent, "x-api-key" in sent) == (
        header == "authorization",
        header == "x-api-key",
    )
    assert (sent["x-team"], sent["anthropic-beta"]) == ("red", "a-1,b-2")
    assert vendor.calls[0].path == "/v1/messages"


async def test_the_only_model_is_asked_when_none_is_named(vendor: AnthropicStandin) -> None:
    async with running(AnthropicRunner, vendor.url) as runner:
        for name in ("auto", ""):
            await answer(runner, asking(model=name))
    assert [call.path for call in vendor.calls] == ["/v1/models", "/v1/messages", "/v1/messages"]
    assert vendor.calls[1].json["model"] == MODEL


async def test_what_is_told_of_the_models() -> None:
    async with AnthropicStandin.serving(profile="many") as vendor:
        async with running(AnthropicRunner, vendor.url) as runner:
            found = await runner.models()
    assert found[0].context == 200_000
    assert found[0].capabilities == (Capability.LLM, Capability.VLM)
    assert [call.query.get("after_id") for call in vendor.calls] == [
        None, ["parrot-10"], ["parrot-20"],
    ]  # fmt: skip


async def test_calls_with_broken_arguments_are_refused_by_name() -> None:
    turn = Message("assistant", tool_calls=(ToolCall("a", "weather", "{"),))
    told = Message("tool", "?", tool_call_id="a")
    async with running(AnthropicRunner, "http://127.0.0.1:9") as runner:
        with pytest.raises(InputError) as caught:
            await answer(runner, talking(Message("user", "?"), turn, told, tools=(WEATHER,)))
    assert caught.value.field == "messages[1].tool_calls[0].arguments"


async def test_the_signature_comes_once_and_last(vendor: AnthropicStandin) -> None:
    async with running(AnthropicRunner, vendor.url, thinking="adaptive") as runner:
        found = [e for e in await events(runner, asking()) if isinstance(e, ReasoningDelta)]
    assert [bool(event.signature) for event in found] == [False, False, False, True]
