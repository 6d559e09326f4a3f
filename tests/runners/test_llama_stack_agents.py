"""Tools that the server calls by itself, functions of the caller's, and streams that go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from breeze.contracts.errors import (
    BlockedError,
    InputError,
    OverloadedError,
    ProcessingError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import Progress, ReasoningDelta, TextDelta
from breeze.contracts.messages import (
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
)
from breeze.contracts.requests import ChatRequest
from breeze.testing.media import png
from breeze.testing.standins import Call, Reply, event
from breeze.testing.standins.llama_stack import LlamaStackStandin
from tests.runners.stacking import PROFILES, answer, bodies, running, told_the_weather

WEATHER = Tool("weather", "", {"type": "object", "properties": {"place": {"type": "string"}}})
AGENT = {"enable_agents": True}


@pytest.fixture(params=PROFILES)
async def each(request: pytest.FixtureRequest) -> AsyncIterator[LlamaStackStandin]:
    async with LlamaStackStandin.serving(profile=request.param) as vendor:
        yield vendor


@pytest.fixture
async def vendor() -> AsyncIterator[LlamaStackStandin]:
    async with LlamaStackStandin.serving(profile="ogx-1.5") as vendor:
        yield vendor


@pytest.mark.parametrize("whole", [False, True])
async def test_functions_of_the_caller_are_called_and_told_about(
    each: LlamaStackStandin, whole: bool
) -> None:
    async with running(each, **AGENT) as runner:
        then = await told_the_weather(runner, WEATHER, whole=whole)
    assert (then.text, then.finish_reason) == ("The tool said: Rain.", "stop")
    assert (then.metadata or {})["tools_available"] == 1
    first_body, second_body = bodies(each, "/responses")
    assert first_body["tools"] == [
        {"type": "function", "name": "weather", "description": "", "parameters": WEATHER.parameters}
    ]
    assert second_body["input"][1:] == [
        {"type": "function_call", "call_id": "call_0", "name": "weather",
         "arguments": '{"place":"text"}'},
        {"type": "function_call_output", "call_id": "call_0", "output": "Rain."},
    ]  # fmt: skip


@pytest.mark.parametrize("whole", [False, True])
async def test_every_call_of_the_server_is_an_event(each: LlamaStackStandin, whole: bool) -> None:
    servers = "notes: https://notes.example/mcp\nother: https://other.example"
    async with running(each, **AGENT, mcp_servers=servers, max_rounds=3) as runner:
        tools = {"available_tools": ["notes", "web_search"]}
        asked = ChatRequest.of("Look it up", params=tools, whole=whole)
        events = [e async for e in runner.stream(asked)]
        found = await answer(runner, asked)
    stages = [e.stage for e in events if isinstance(e, Progress)]
    assert set(stages) == {"mcp", "web_search"}
    seen = found.metadata or {}
    assert [call["tool"] for call in seen["server_tool_calls"]] == ["mcp", "web_search"]
    assert seen["server_tool_calls"][0]["server_label"] == "notes"
    assert (seen["request_type"], seen["tools_available"]) == ("AGENT", 2)
    body = bodies(each, "/responses")[0]
    assert body["max_infer_iters"] == 3
    assert body["tools"] == [
        {"type": "mcp", "server_label": "notes", "server_url": "https://notes.example/mcp",
         "require_approval": "never"},
        {"type": "web_search"},
    ]  # fmt: skip


async def test_the_web_is_searched_only_when_it_is_named(vendor: LlamaStackStandin) -> None:
    async with running(vendor, **AGENT, mcp_servers="notes: https://notes.example") as runner:
        await answer(runner, ChatRequest.of("Hi", tools=(WEATHER,)))
    assert [t["type"] for t in bodies(vendor, "/responses")[0]["tools"]] == ["mcp", "function"]


async def test_a_tool_that_nobody_knows_is_refused_with_those_there_are(
    vendor: LlamaStackStandin,
) -> None:
    async with running(vendor, **AGENT) as runner:
        params = {"available_tools": "wether"}
        with pytest.raises(InputError) as caught:
            await answer(runner, ChatRequest.of("Hi", tools=(WEATHER,), params=params))
    assert caught.value.field == "params.available_tools"
    assert "There are file_search, web_search, weather" in caught.value.message


async def test_agents_that_are_off_or_not_there_are_reported(vendor: LlamaStackStandin) -> None:
    async with running(vendor) as runner:
        off = await answer(runner, ChatRequest.of("Hi", params={"available_tools": "web_search"}))
    assert [n.field for n in off.adjustments] == ["params.available_tools"]
    vendor.lacks = ("/responses",)
    async with running(vendor, **AGENT) as runner:
        lacking = await answer(runner)
    assert [(n.field, n.why) for n in lacking.adjustments] == [
        ("params.enable_agents", "the server has no /responses")
    ]
    assert off.text == lacking.text == "You said: Hi"


async def test_tools_without_agents_are_the_callers_own_loop(each: LlamaStackStandin) -> None:
    async with running(each) as runner:
        found = await answer(runner, ChatRequest.of("What is the weather?", tools=(WEATHER,)))
    assert [call.name for call in found.tool_calls] == ["weather"]
    assert bodies(each, "/responses") == []


async def test_everything_of_a_request_is_sent_or_reported(vendor: LlamaStackStandin) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    picture = Message("user", (TextPart("What is it?"), ImagePart(png(8, 8))))
    request = ChatRequest(
        (Message("system", "One."), Message("system", "Two."), picture),
        tools=(WEATHER,), tool_choice=NamedTool("weather"), parallel_tool_calls=False,
        response_format=ResponseFormat("json_schema", schema, strict=True), max_tokens=4,
        top_p=0.5, presence_penalty=0.1, frequency_penalty=0.2, reasoning_effort="low",
        top_k=3, seed=1, logprobs=True, top_logprobs=2, logit_bias={"7": 1.0}, stop=("x",), n=2,
    )  # fmt: skip
    async with running(vendor, **AGENT, enable_vision=True) as runner:
        found = await answer(runner, request)
    (body,) = bodies(vendor, "/responses")
    assert body["instructions"] == "One.\n\nTwo."
    assert [part["type"] for part in body["input"][0]["content"]] == ["input_text", "input_image"]
    assert body["text"]["format"] == {
        "type": "json_schema", "name": "answer", "schema": schema, "strict": True
    }  # fmt: skip
    assert body["tool_choice"] == {"type": "function", "name": "weather"}
    assert (body["top_p"], body["presence_penalty"], body["frequency_penalty"]) == (0.5, 0.1, 0.2)
    assert (body["parallel_tool_calls"], body["reasoning"]) == (False, {"effort": "low"})
    assert body["max_output_tokens"] == 16
    assert sorted(note.field for note in found.adjustments) == sorted(
        ["stop", "seed", "n", "logprobs", "top_logprobs", "top_k", "logit_bias", "max_tokens"]
    )


# streams that are not as they should be -----------------------------------------------------------


class Odd(LlamaStackStandin):
    """Answers with the events that it is given."""

    said: tuple[Any, ...] = ()

    async def _responses(self, call: Call) -> Reply:
        return Reply.sse(self.said, end=b"")


async def told(*said: Any) -> list[Any]:
    async with Odd.serving(profile="ogx-1.5") as vendor:
        vendor.said = said
        async with running(vendor, **AGENT) as runner:
            return [e async for e in runner.stream(ChatRequest.of("Hi"))]


def done(**more: Any) -> dict[str, Any]:
    response = {"status": "completed", "output": [], **more}
    return {"type": "response.completed", "response": response}


def message(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "id": "m", "content": list(content)}


async def test_reasoning_and_refusals() -> None:
    thought = {"type": "response.reasoning_text.delta", "delta": "Hm."}
    refused = {"type": "response.refusal.delta", "delta": "No."}
    events = await told(thought, refused, done(output=[message({"refusal": "No."})]))
    assert events[:2] == [ReasoningDelta("Hm."), TextDelta("No.", metadata={"refusal": True})]
    assert events[-1].reason == "content_filter"


async def test_what_only_the_last_event_tells_is_told() -> None:
    first, second = message({"text": "One. "}), {**message({"text": "Two."}), "id": "n"}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    events = await told(done(output=[first, second, call], usage={"output_tokens": 3}))
    assert [e.text for e in events if isinstance(e, TextDelta)] == ["One. ", "Two."]
    assert events[-1].reason == "tool_calls"


@pytest.mark.parametrize(
    ("details", "reason"),
    [("max_output_tokens", "length"), ("max_iterations_exceeded", "length"),
     ("content_filter", "content_filter")],
)  # fmt: skip
async def test_reasons_of_an_incomplete_answer(details: str, reason: str) -> None:
    events = await told(done(status="incomplete", incomplete_details={"reason": details}))
    assert events[-1].reason == reason


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"error": {"message": "429: Rate limit"}}, RateLimitError),
        ({"type": "error", "message": "x", "code": "server_is_overloaded"}, OverloadedError),
        (done(status="failed", error={"code": "server_error", "message": "x"}), UnavailableError),
        (done(error={"code": "content_policy_violation", "message": "x"}), BlockedError),
        ({"detail": "Invalid value: Model 'm' not found"}, RunnerError),
        ({"type": "response.completed", "response": {}}, ProcessingError),
        (b"data: [1]\n\n", ProcessingError),
        (b"data: {\n\n", ProcessingError),
    ],
)
async def test_errors_amid_a_stream(said: Any, kind: type[RunnerError]) -> None:
    with pytest.raises(kind):
        await told({"type": "response.output_text.delta", "delta": "a"}, said)


@pytest.mark.parametrize("end", [(), (b'data: {"type":"respo',), (event({"type": "odd"}),)])
async def test_an_answer_without_its_end_is_cut(end: tuple[bytes, ...]) -> None:
    with pytest.raises(ProcessingError) as caught:
        await told({"type": "response.output_text.delta", "delta": "a"}, *end)
    assert caught.value.detail == "cut"


async def test_a_piece_that_got_lost_is_noticed() -> None:
    pieces = [{"type": "response.output_text.delta", "delta": d} for d in ("One", " three")]
    with pytest.raises(ProcessingError, match="not the text of the end"):
        await told(*pieces, done(output=[message({"text": "One two three"})]))


HARMLESS = [f.name for f in LlamaStackStandin.all_faults() if f.harmless]
"""Some put letters of their own into the text."""


@pytest.mark.parametrize("fault", HARMLESS)
@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat"])
async def test_harmless_oddities_change_nothing(
    vendor: LlamaStackStandin, fault: str, path: str
) -> None:
    vendor.fault(fault, on=f"POST {path}")
    async with running(vendor, enable_agents=path == "/v1/responses") as runner:
        text = (await answer(runner)).text
    assert text.startswith("You ")
    assert text.endswith("said: Hi")


BROKEN = ["stream-cut", "stream-reset", "early-close", "early-end", "stream-error", "malformed"]


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat"])
async def test_a_broken_stream_is_never_an_answer(
    vendor: LlamaStackStandin, fault: str, path: str
) -> None:
    vendor.fault(fault, on=f"POST {path}", after=3)
    async with running(vendor, enable_agents=path == "/v1/responses") as runner:
        with pytest.raises(RunnerError):
            await answer(runner, "one two three four five")


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat"])
async def test_leaving_amid_a_stream_closes_the_connection(
    vendor: LlamaStackStandin, path: str
) -> None:
    vendor.fault("stall", on=f"POST {path}", after=8)
    async with running(vendor, enable_agents=path == "/v1/responses") as runner:
        async with aclosing(runner.stream(ChatRequest.of("one two three four"))) as events:
            async for found in events:
                if isinstance(found, TextDelta):
                    break
        async with asyncio.timeout(0.1):
            await vendor.idle()
        assert runner.work.active == 0
