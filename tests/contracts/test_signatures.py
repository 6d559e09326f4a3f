"""What a model's maker wants back unchanged comes through events, answers and OpenAI's JSON."""

from __future__ import annotations

from typing import Any

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.dialects.openai import chat_from_json
from breeze.contracts.dialects.openai_answer import Chunks, answer_json
from breeze.contracts.events import Finish, ReasoningDelta, TextDelta, ToolCallDelta
from breeze.contracts.messages import ToolCall
from breeze.contracts.results import collect

EVENTS = (
    ReasoningDelta("h"),
    ReasoningDelta("m"),
    ReasoningDelta("", signature="seal"),
    TextDelta("ok"),
    ToolCallDelta(0, "c1", "find", '{"q":', signature="proof"),
    ToolCallDelta(0, arguments="1}"),
    Finish("tool_calls"),
)


async def _answer() -> ChatAnswer:
    async def events() -> Any:
        for event in EVENTS:
            yield event

    found = await collect(events())
    assert isinstance(found, ChatAnswer)
    return found


async def test_an_answer_holds_them() -> None:
    (choice,) = (await _answer()).choices
    assert (choice.reasoning, choice.reasoning_signature) == ("hm", "seal")
    assert choice.tool_calls == (ToolCall("c1", "find", '{"q":1}', "proof"),)


async def test_a_client_of_openais_dialect_can_echo_them() -> None:
    said = answer_json(await _answer(), "id", 1, "m")
    message = said["choices"][0]["message"]
    (turn,) = chat_from_json({"model": "m", "messages": [message]}).messages
    assert (turn.reasoning, turn.reasoning_signature) == ("hm", "seal")
    assert turn.tool_calls[0].signature == "proof"


def test_chunks_carry_them_once() -> None:
    writer = Chunks("id", 1, "m", 1, usage=False)
    sent = b"".join(writer.piece(event) for event in EVENTS[:-1])
    assert sent.count(b'"reasoning_signature":"seal"') == 1
    assert sent.count(b'"signature":"proof"') == 1
