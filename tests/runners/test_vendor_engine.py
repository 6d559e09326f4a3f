"""The runners of several vendors in one engine: by name, by default, one after another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from breeze.config import parse_config
from breeze.contracts.answers import ChatAnswer, Embeddings
from breeze.contracts.messages import Message, Tool
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.results import collect
from breeze.engine.engine import Engine
from breeze.testing.standins.anthropic import AnthropicStandin
from breeze.testing.standins.google import GoogleStandin

Vendors = tuple[Engine, AnthropicStandin, GoogleStandin]


@asynccontextmanager
async def both(home: Path, prefill: bool = False, **settings: Any) -> AsyncIterator[Vendors]:
    """An engine that asks Claude first and Gemini next, and their stand-ins."""
    async with AnthropicStandin.serving() as claude, GoogleStandin.serving() as gemini:
        given = {"claude": ("anthropic", claude.url), "gemini": ("google", gemini.url)}
        runners = {
            name: {
                "class": kind,
                "priority": place,
                "parameters": {"base_url": url, "api_key": "test-key", "prefill": prefill},
            }
            for place, (name, (kind, url)) in enumerate(given.items())
        }
        vectors = {"runners": {"gemini": runners["gemini"]}}
        capabilities = {"LLM": {"runners": runners}, "EMBEDDING": vectors}
        file = {"capabilities": capabilities, "globalSettings": settings}
        config = parse_config(file).config
        async with Engine.open(home=home, config=config, environ={}, ledger=False) as made:
            yield made, claude, gemini


async def test_each_answers_by_its_name(tmp_path: Path) -> None:
    async with both(tmp_path) as (engine, _, _):
        for name in ("claude", "gemini"):
            answer = await engine.run(ChatRequest.of("Hi", model=name))
            assert (answer.text, answer.runner) == ("You said: Hi", name)
            assert (answer.metadata or {})["model_name"] == "parrot-1"
        vectors = await engine.run(EmbedRequest.of("a sea"))
    assert isinstance(vectors, Embeddings)
    assert (vectors.runner, len(vectors.vectors)) == ("gemini", 1)


async def test_one_vendor_answers_when_the_other_is_overloaded(tmp_path: Path) -> None:
    async with both(tmp_path, failover={"attempts": 1}) as (engine, claude, gemini):
        claude.fault("error-529", on="POST /v1/messages")
        answer = await engine.run(ChatRequest.of("Hi", temperature=0.5))
    assert (answer.text, answer.runner) == ("You said: Hi", "gemini")
    assert [(a.runner, a.code) for a in answer.attempts] == [("claude", "E505")]
    assert answer.adjustments == ()  # the second one honours what the first could not
    assert gemini.calls[-1].json["generationConfig"] == {"temperature": 0.5}


async def test_one_vendor_goes_on_where_the_other_was_cut_off(tmp_path: Path) -> None:
    continuing = {"attempts": 1, "afterOutput": "continue"}
    async with both(tmp_path, prefill=True, failover=continuing) as (engine, claude, gemini):
        claude.fault("stream-cut", after=6, on="POST /v1/messages")
        async with engine.stream(ChatRequest.of("Good day to you, my friend.")) as events:
            answer = await collect(events)
    assert isinstance(answer, ChatAnswer)
    assert answer.text == "You said: Good day to you, my friend."
    assert (answer.runner, answer.attempts[0].runner) == ("gemini", "claude")
    begun = gemini.calls[-1].json["contents"][-1]
    assert begun["role"] == "model"
    assert answer.text.startswith(begun["parts"][0]["text"])


async def test_a_conversation_may_change_vendors_amid_tool_calls(tmp_path: Path) -> None:
    """What one vendor signed is not shown to another, who would refuse it."""
    asked = Message("user", "How is the weather?")
    tools = (Tool("weather", "Tells the weather."),)

    async def told(engine: Engine, first: str, then: str) -> ChatAnswer:
        thinking = {"thinking": "adaptive"} if first == "claude" else {"thoughts": True}
        request = ChatRequest((asked,), model=first, tools=tools, params=thinking, strict=True)
        choice = (await engine.run(request)).choices[0]
        turn = Message(
            "assistant", choice.text, choice.tool_calls,
            reasoning=choice.reasoning, reasoning_signature=choice.reasoning_signature,
        )  # fmt: skip
        result = Message("tool", "Snow.", tool_call_id=choice.tool_calls[0].id)
        messages = (asked, turn, result)
        return await engine.run(ChatRequest(messages, model=then, tools=tools, strict=True))

    async with both(tmp_path) as (engine, claude, gemini):
        for first, then in (("claude", "gemini"), ("gemini", "claude")):
            answer = await told(engine, first, then)
            assert answer.text == "The tool said: Snow."
            assert [note.field for note in answer.adjustments] == ["messages[1].reasoning"]
    assert b"signature" not in gemini.calls[1].body.lower()
    assert b"signature" not in claude.calls[-1].body.lower()
