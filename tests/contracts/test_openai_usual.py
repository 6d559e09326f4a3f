"""The usual chat takes a short way; it has to say exactly what the long way says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breeze.contracts.answers import Adjustment, ChatAnswer, Choice
from breeze.contracts.dialects.openai_answer import answer_json
from breeze.contracts.dialects.openai_read import chat_from_json
from breeze.contracts.dialects.openai_usual import usual_answer, usual_request
from breeze.contracts.messages import ToolCall
from breeze.contracts.values import TokenLogprob, Usage

TEXT = st.text(max_size=20)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "model": TEXT,
        "temperature": st.none() | st.floats(0, 2) | st.integers(0, 2),
        "top_p": st.none() | st.floats(0, 1),
        "max_tokens": st.none() | st.integers(-5, 2**70),
        "seed": st.none() | st.integers(-(2**64), 2**64),
        "stream": st.booleans(),
    },
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXT}
    ),
    max_size=3,
)


@given(MESSAGES, SETTINGS)
def test_a_usual_request_reads_as_it_does_the_long_way(
    messages: list[Any], settings: dict[str, Any]
) -> None:
    body = {"messages": messages, **settings}
    found = usual_request(msgspec.json.encode(body))
    if found is None:  # a number beyond all bounds: the long way tells
        return
    request, stream, usage = found
    again = msgspec.structs.replace(chat_from_json(body), id=request.id, whole=not stream)
    assert request == again
    assert stream is settings.get("stream", False)
    assert usage is False


def test_the_usage_of_a_stream_may_be_asked_for() -> None:
    body = b'{"messages": [], "stream": true, "stream_options": {"include_usage": %b}}'
    for word, wanted in ((b"true", True), (b"false", False)):
        found = usual_request(body % word)
        assert found is not None
        assert (found.stream, found.usage) == (True, wanted)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"messages": []',
        b'{"messages": [], "messages": 1}',
        b'{"messages": [{"role": "user"}]}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": [{"role": "robot", "content": "x"}]}',
        b'{"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}',
        b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}',
        b'{"messages": [{"role": "user", "content": "x", "name": "ada"}]}',
        b'{"messages": [], "n": 2}',
        b'{"messages": [], "temperature": "hot"}',
        b'{"messages": [], "seed": 18446744073709551616}',
        b'{"messages": [], "stream": null}',
        b'{"messages": [], "stream_options": {"include_usage": true}}',
        b'{"messages": [], "stream": true, "stream_options": {"include_usages": true}}',
        b'{"messages": [], "user": "ada"}',
        b'{"messages": [], "temperatur": 1}',
        b"[" * 100_000,
    ],
)
def test_all_else_is_left_to_the_long_way(body: bytes) -> None:
    assert usual_request(body) is None


ANSWERS = st.builds(
    ChatAnswer,
    choices=st.lists(
        st.builds(
            Choice,
            text=TEXT,
            reasoning=st.just("") | TEXT,
            tool_calls=st.just(()) | st.just((ToolCall("1", "look", "{}"),)),
            logprobs=st.just(()) | st.just((TokenLogprob("a", -1.0, ()),)),
            finish_reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
        ),
        min_size=1,
        max_size=2,
    ).map(tuple),
    usage=st.none() | st.builds(Usage, *[st.integers(0, 2**40)] * 4),
    adjustments=st.just(()) | st.just((Adjustment("seed", 1, None, "not known"),)),
    metadata=st.sampled_from([None, {}, {"refusal": True}, {"processing_time_ms": 1.5}]),
)


@given(ANSWERS, TEXT, TEXT)
def test_a_usual_answer_is_written_as_it_is_the_long_way(
    answer: ChatAnswer, id: str, model: str
) -> None:
    short = usual_answer(answer, id, 1_700_000_000, model)
    if short is not None:
        assert short == msgspec.json.encode(answer_json(answer, id, 1_700_000_000, model))


def test_one_text_is_usual_and_no_more() -> None:
    said = ChatAnswer(choices=(Choice("Hello", finish_reason="length"),), usage=Usage(3, 4))
    assert usual_answer(said, "a", 1, "m") is not None
    for odd in (
        ChatAnswer(choices=(Choice("Hello"), Choice("Hello"))),
        ChatAnswer(choices=(Choice(""),)),
        ChatAnswer(choices=(Choice("Hello", reasoning="hm"),)),
        ChatAnswer(choices=(Choice("No"),), metadata={"refusal": True}),
    ):
        assert usual_answer(odd, "a", 1, "m") is None
