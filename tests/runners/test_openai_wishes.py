"""How requests are worded for servers that differ, and what is done to their text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import Message, ResponseFormat, Tool
from breeze.contracts.requests import ChatRequest
from breeze.engine.registry import Registry
from breeze.runners._openai_body import merged, prepare
from breeze.runners._openai_wire import Wire
from breeze.runners.openai import OpenAIRunner
from tests.runners.asking import answer, asking, made, running, sse, streaming, whole
from tests.runners.openai_server import MODEL, delta, stop
from tests.runners.standin import StandIn

ELSEWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving() as server:
        yield server


def worded(request: ChatRequest, **values: Any) -> tuple[dict[str, Any], list[Adjusted]]:
    """The body and the adjustments for a server with these parameters."""
    wire = Wire(made(**{"base_url": ELSEWHERE, **values}).parameters)
    body, adjusted, _ = prepare(request, MODEL, wire)
    return msgspec.json.decode(body), adjusted


# what a server does not take --------------------------------------------------------------

EVERYTHING: dict[str, Any] = {
    "top_k": 5, "seed": 3, "n": 2, "stop": ("x",), "logit_bias": {"7": 1.0}, "logprobs": True,
    "presence_penalty": 0.5, "frequency_penalty": 0.5, "parallel_tool_calls": False,
    "reasoning_effort": "low", "tools": (Tool("weather"),),
}  # fmt: skip


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_field_that_is_not_taken_is_left_out_and_told(name: str) -> None:
    request = asking(**EVERYTHING, top_logprobs=2)
    body, adjusted = worded(request, without=[name])
    full, nothing = worded(request)
    assert name in full
    assert nothing == []
    assert name not in body
    assert [note.field for note in adjusted] == [name]
    gone = {"tools": {"tool_choice"}, "logprobs": {"top_logprobs"}}.get(name, set())
    assert full.keys() - body.keys() == {name, *gone}


def test_what_is_not_given_is_not_told() -> None:
    assert worded(asking(), without=list(EVERYTHING))[1] == []


def test_a_schema_becomes_any_object_where_none_is_obeyed() -> None:
    wanted = ResponseFormat("json_schema", {"type": "object"}, "x")
    body, (note,) = worded(asking(response_format=wanted), without=["json_schema"])
    assert body["response_format"] == {"type": "json_object"}
    assert (note.field, note.used) == ("response_format", "json_object")


def test_the_vendor_takes_four_stops() -> None:
    stops = ("a", "b", "c", "d", "e")
    body, (note,) = worded(asking(stop=stops), base_url="https://api.openai.com/v1")
    assert body["stop"] == ["a", "b", "c", "d"]
    assert note.field == "stop"
    assert worded(asking(stop=stops))[0]["stop"] == [*stops]


# how it is said ---------------------------------------------------------------------------


def test_the_seed_may_have_another_name() -> None:
    body, _ = worded(asking(seed=3), seed_field="random_seed")
    assert body["random_seed"] == 3
    assert "seed" not in body


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "reasoning_content"),
        ({"reasoning_field": "reasoning"}, "reasoning"),
        ({"reasoning_field": "none"}, None),
        ({"base_url": "https://api.openai.com/v1"}, None),
    ],
)
def test_earlier_reasoning_has_the_name_that_the_server_knows(
    values: dict[str, str], name: str | None
) -> None:
    earlier = Message("assistant", "Yes.", reasoning="hm")
    request = ChatRequest((earlier, Message("user", "Hi")), model=MODEL)
    body, adjusted = worded(request, **values)
    expected = {"role": "assistant", "content": "Yes."} | ({name: "hm"} if name else {})
    assert body["messages"][0] == expected
    assert [note.field for note in adjusted] == ([] if name else ["messages.reasoning"])


def test_more_fields_are_joined() -> None:
    more = '{"chat_template_kwargs": {"enable_thinking": false}, "stream_options": {"x": 1}}'
    body, _ = worded(asking(), extra_body=more)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert body["stream_options"] == {"include_usage": True, "x": 1}
    assert merged({"a": {"b": 1}}, {"a": 2}) == {"a": 2}


@pytest.mark.parametrize("text", ["[1]", "{", "x"])
def test_more_fields_must_be_an_object(text: str) -> None:
    with pytest.raises(InputError) as refused:
        made(extra_body=text)
    assert refused.value.field == "parameters.extra_body"


def test_a_gateways_own_parameters() -> None:
    kind = Registry().load("openrouter")
    p = kind.parameters_type.of(
        {
            "fallback_models": "a/b, c/d", "provider_order": "one", "provider_sort": "price",
            "zero_retention": True, "min_p": 0.1, "app_url": "https://app.example",
        }
    )  # fmt: skip
    assert isinstance(p, type(made().parameters))
    assert p.more() == {
        "models": ["a/b", "c/d"],
        "provider": {"order": ["one"], "sort": "price", "zdr": True},
        "min_p": 0.1,
    }
    sent = p.sent_headers()
    assert sent["http-referer"] == "https://app.example"
    assert sent["x-openrouter-title"] == "Breeze Engine"
    asked = p.for_request({"provider_sort": "latency"})
    assert asked.more()["provider"]["sort"] == "latency"
    with pytest.raises(InputError, match="only be set by the operator"):
        p.for_request({"app_url": "https://other.example"})


# models for kinds of work -----------------------------------------------------------------


def test_a_model_for_each_kind_of_work() -> None:
    p = made(
        speech_model="s", transcription_model="t", image_model="i", moderation_model="m",
        embedding_model="e", vision_model="v",
    ).parameters  # fmt: skip
    assert [OpenAIRunner.model_of(p, capability) for capability in Capability] == [
        "", "v", "t", "s", "m", "i", "e",
    ]  # fmt: skip


# continuing an answer ---------------------------------------------------------------------

BEGUN = "Once upon a time there was"
CONTINUED = ChatRequest(
    (Message("user", "A story."), Message("assistant", BEGUN)), model=MODEL
)  # fmt: skip


@pytest.mark.parametrize(
    ("prefill", "last", "more"),
    [
        ("", {}, {}),
        ("message", {}, {}),
        ("prefix", {"prefix": True}, {}),
        ("message_echo", {}, {}),
        ("prefix_echo", {"prefix": True}, {}),
        ("flags", {}, {"continue_final_message": True, "add_generation_prompt": False}),
    ],
)
def test_how_a_server_is_asked_to_continue(
    prefill: str, last: dict[str, Any], more: dict[str, Any]
) -> None:
    body, _ = worded(CONTINUED, prefill=prefill)
    assert body["messages"][-1] == {"role": "assistant", "content": BEGUN, **last}
    names = ("continue_final_message", "add_generation_prompt")
    assert {name: body[name] for name in names if name in body} == more
    plain, _ = worded(asking(), prefill=prefill)
    assert not {*plain} & {*names}
    assert "prefix" not in plain["messages"][-1]


def pieces(text: str, size: int) -> list[dict[str, Any]]:
    return [delta(text[i : i + size]) for i in range(0, len(text), size)]


async def both_ways(
    server: StandIn, text: str, size: int, request: ChatRequest, **values: Any
) -> ChatAnswer:
    """The answer, which is the same streamed and whole."""
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    server.play(
        streaming(sse(*pieces(text, size), stop(), "[DONE]")),
        streaming(*(sse(piece) for piece in pieces(text, size)), sse(stop(), "[DONE]")),
        whole(msgspec.json.encode({"choices": [choice], "model": MODEL})),
    )
    async with running(server, **values) as runner:
        streamed = await answer(runner, request)
        assert await answer(runner, request) == streamed
        full = await answer(runner, msgspec.structs.replace(request, whole=True))
    assert (full.text, full.choices[0].reasoning) == (
        streamed.text, streamed.choices[0].reasoning,
    )  # fmt: skip
    return streamed


@pytest.mark.parametrize("size", [1, 3, 400])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"{BEGUN} a king.", " a king."),
        (" a king.", " a king."),
        (BEGUN, ""),
        ("Once upon a time it was", "Once upon a time it was"),
        ("Once", "Once"),
    ],
)
async def test_what_was_there_is_not_said_twice(
    server: StandIn, text: str, left: str, size: int
) -> None:
    found = await both_ways(server, text, size, CONTINUED, prefill="message")
    assert found.text == left


async def test_a_short_beginning_may_come_again_by_chance(server: StandIn) -> None:
    begun = ChatRequest((Message("user", "Laugh."), Message("assistant", "ha")), model=MODEL)
    found = await both_ways(server, "ha ha", 2, begun, prefill="message")
    assert found.text == "ha ha"
    found = await both_ways(server, "ha ha", 2, begun, prefill="message_echo")
    assert found.text == " ha", "this server always repeats"


async def test_without_prefill_an_answer_stays_as_it_is(server: StandIn) -> None:
    found = await both_ways(server, f"{BEGUN} a king.", 5, CONTINUED)
    assert found.text == f"{BEGUN} a king."


# think tags -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 7, 400])
@pytest.mark.parametrize(
    ("text", "reasoning", "left"),
    [
        ("<think>hm, well</think>\n\nYes.", "hm, well", "Yes."),
        ("\n<think>hm</think>Yes.", "hm", "Yes."),
        ("<think></think>Yes.", "", "Yes."),
        ("<think>never closed", "never closed", ""),
        ("<think>a < b </thin k></think>Yes.", "a < b </thin k>", "Yes."),
        ("Yes, <think>no</think>.", "", "Yes, <think>no</think>."),
        ("<thinker>", "", "<thinker>"),
        ("<th", "", "<th"),
        ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    ],
)
async def test_think_tags(server: StandIn, text: str, reasoning: str, left: str, size: int) -> None:
    found = await both_ways(server, text, size, asking(), think_tags=True)
    assert (found.choices[0].reasoning, found.text) == (reasoning, left)


async def test_think_tags_are_text_unless_asked_for(server: StandIn) -> None:
    text = "<think>hm</think>Yes."
    assert (await both_ways(server, text, 3, asking())).text == text
    found = await both_ways(server, text, 3, asking(params={"think_tags": True}))
    assert found.text == "Yes."


async def test_each_choice_thinks_for_itself(server: StandIn) -> None:
    chunks = [delta(text, index=i) for i, text in
              [(0, "<think>a"), (1, "<think>b"), (1, "</think>B"), (0, "</think>A")]]  # fmt: skip
    server.play(streaming(sse(*chunks, stop(), stop(index=1), "[DONE]")))
    async with running(server, think_tags=True) as runner:
        found = await answer(runner, asking(n=2))
    assert [(c.reasoning, c.text) for c in found.choices] == [("a", "A"), ("b", "B")]


async def test_a_continued_answer_may_think(server: StandIn) -> None:
    text = f"{BEGUN}<think>hm</think> a king."
    found = await both_ways(server, text, 4, CONTINUED, prefill="message", think_tags=True)
    assert (found.choices[0].reasoning, found.text) == ("hm", " a king.")
