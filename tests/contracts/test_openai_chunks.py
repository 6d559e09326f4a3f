"""OpenAI's chat completions: what a stream of chunks becomes, however odd the server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.dialects.openai import ChunkReader, UpstreamError
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import ChatEvent, Finish, ReasoningDelta, TextDelta, ToolCallDelta
from breeze.contracts.results import Fold
from breeze.contracts.values import TokenLogprob, Usage

END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def chunk(*, finish: str | None = None, index: int = 0, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def calls(*pieces: dict[str, Any]) -> dict[str, Any]:
    return chunk(tool_calls=list(pieces))


def piece(arguments: Any = "", name: str | None = None, **more: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}, **more}


def read(*chunks: dict[str, Any], **options: Any) -> list[ChatEvent]:
    reader = ChunkReader(**options)
    events = [event for found in chunks for event in reader.read(json.dumps(found))]
    return events + reader.end()


def fold(events: list[ChatEvent]) -> ChatAnswer:
    adding = Fold(ChatAnswer)
    for event in events:
        adding.add(event)
    finish = events[-1]
    assert isinstance(finish, Finish)
    found = adding.result(finish)
    assert isinstance(found, ChatAnswer)
    return found


def test_an_ordinary_stream() -> None:
    events = read(
        chunk(role="assistant", content=""),
        chunk(content="Hel"),
        chunk(content="lo"),
        chunk(finish="stop"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
    )
    assert events == [TextDelta("Hel"), TextDelta("lo"), Usage(3, 2), Finish("stop")]


@pytest.mark.parametrize("empty", [{}, {"content": None}, {"content": ""}, {"tool_calls": []}])
def test_null_empty_and_missing_mean_the_same(empty: dict[str, Any]) -> None:
    assert read(chunk(**empty), {"choices": None}, {"choices": []}, END) == [Finish("stop")]


def test_usage_may_come_anywhere_and_the_last_counts() -> None:
    first = {**chunk(content="a"), "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    last = {
        **END,
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 2},
            "cost": 0.01,
        },
    }
    nothing = {"usage": {"prompt_tokens": None, "completion_tokens": None}}
    events = read(first, last, nothing, {"usage": None})
    assert events[1] == Usage(9, 4, 2, 5, cost=0.01)


def test_without_usage_none_is_made_up() -> None:
    assert read(chunk(content="a"), END) == [TextDelta("a"), Finish("stop")]


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm", "reasoning": "hm"},
        {"reasoning": "hm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "h"}, {"text": "m"}]},
    ],
)
def test_reasoning_is_read_once_under_any_of_its_names(delta: dict[str, Any]) -> None:
    assert read(chunk(**delta), END)[0] == ReasoningDelta("hm")


def test_content_may_be_parts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "odd"}, {"type": "text", "text": "b"}]
    assert read(chunk(content=parts), END)[0] == TextDelta("ab")


def test_a_tool_call_in_pieces() -> None:
    events = read(
        calls(piece(index=0, id="c1", name="f", type="function")),
        calls(piece('{"a"', index=0)),
        calls(piece(": 1}", index=0)),
        calls(piece("{}", index=1, id="c2", name="g")),
        chunk(finish="tool_calls"),
    )
    assert events[0] == ToolCallDelta(0, "c1", "f")
    assert events[-1] == Finish("tool_calls")
    first, second = fold(events).tool_calls
    assert (first.id, first.name, first.arguments) == ("c1", "f", '{"a": 1}')
    assert (second.id, second.name, second.arguments) == ("c2", "g", "{}")


@pytest.mark.parametrize(
    "pieces",
    [
        [piece('{"a":', id="x", name="f"), piece("1}", id="x", name="f")],
        [piece('{"a":', name="f"), piece("1}")],
        [piece({"a": 1}, name="f", index=0)],
        [piece('{"a":', index=0, id="x", name="f"), piece("1}", index=0, id="x", name="f")],
    ],
)
def test_odd_tool_calls_come_out_whole(pieces: list[dict[str, Any]]) -> None:
    events = read(*(calls(found) for found in pieces), END)
    (call,) = fold(events).tool_calls
    assert (call.name, json.loads(call.arguments)) == ("f", {"a": 1})
    assert call.id
    sent = [event for event in events if isinstance(event, ToolCallDelta)]
    assert [bool(event.id) for event in sent] == [True] + [False] * (len(sent) - 1)
    assert [bool(event.name) for event in sent] == [True] + [False] * (len(sent) - 1)
    assert events[-1] == Finish("tool_calls")  # though the server said stop


def test_two_calls_without_index_or_id_are_told_apart_by_their_names() -> None:
    events = read(calls(piece("{}", name="f"), piece("[]", name="g")), END)
    assert [(c.name, c.arguments) for c in fold(events).tool_calls] == [("f", "{}"), ("g", "[]")]


def test_broken_arguments_are_delivered_as_they_came() -> None:
    (call,) = fold(read(calls(piece('{"a', index=0, name="f")), END)).tool_calls
    assert call.arguments == '{"a'


def test_several_choices_keep_their_index() -> None:
    events = read(chunk(content="a", index=1), chunk(content="b"), END, choice=2)
    assert events[:2] == [TextDelta("a", 3), TextDelta("b", 2)]


def test_logprobs_with_as_many_alternatives_as_asked_for() -> None:
    token = {"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "a", "logprob": -0.5}] * 3}
    found = chunk(content="a")
    found["choices"][0]["logprobs"] = {"content": [token]}
    event = read(found, END, top=1)[0]
    assert event == TextDelta("a", 0, (TokenLogprob("a", -0.5, (("a", -0.5),)),))


@pytest.mark.parametrize(
    ("said", "reason", "metadata"),
    [
        ("length", "length", None),
        ("function_call", "tool_calls", None),
        ("content_filter", "content_filter", None),
        ("eos_token", "stop", {"finish_reason": "eos_token"}),
    ],
)
def test_reasons(said: str, reason: Any, metadata: Any) -> None:
    assert read(chunk(finish=said)) == [Finish(reason, metadata=metadata)]


def test_a_refusal_is_text_that_was_filtered() -> None:
    events = read(chunk(refusal="I cannot."), END)
    marked = {"refusal": True}
    assert events == [
        TextDelta("I cannot.", metadata=marked),
        Finish("content_filter", metadata=marked),
    ]


def test_a_whole_answer_counts_as_one_chunk() -> None:
    whole = {
        "choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }
    assert read(whole) == [TextDelta("Hi"), Usage(1, 1), Finish("stop")]


@pytest.mark.parametrize(
    ("found", "message", "code"),
    [
        ({"error": {"message": "no", "code": 400, "type": "t"}}, "no", 400),
        ({"error": "plain"}, "plain", None),
        ({"detail": "not here"}, "not here", None),
        ({"object": "error", "message": "flat"}, "flat", None),
        ({"error": {"message": "wins"}, **chunk(content="x")}, "wins", None),
    ],
)
def test_an_error_in_place_of_a_chunk(found: dict[str, Any], message: str, code: Any) -> None:
    with pytest.raises(UpstreamError, match=message) as caught:
        ChunkReader().read(json.dumps(found))
    assert caught.value.field("code") == code


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"choices": 5}', b"<html>"])
def test_what_is_no_chunk_is_malformed(data: bytes) -> None:
    with pytest.raises(ProcessingError) as caught:
        ChunkReader().read(data)
    assert caught.value.detail == "malformed"


def test_a_stream_without_a_finish_was_cut() -> None:
    reader = ChunkReader()
    reader.read(json.dumps(chunk(content="half")))
    assert reader.reason is None
    with pytest.raises(ProcessingError) as caught:
        reader.end()
    assert caught.value.detail == "cut"
