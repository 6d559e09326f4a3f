"""What servers of this protocol really send, one vector each, and what we make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    CapabilityError,
    InputError,
    NotFoundError,
    NotLoadedError,
    OverloadedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    RunnerError,
    TooLargeError,
    UnavailableError,
)
from breeze.contracts.events import ChatEvent, ReasoningDelta, TextDelta
from breeze.contracts.messages import ToolCall
from breeze.contracts.values import Usage
from breeze.runners.openai import OpenAIRunner
from tests.runners.asking import answer, asking, running, sse, streaming, whole
from tests.runners.openai_server import delta, stop, usage
from tests.runners.standin import Exchange, StandIn


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving() as server:
        yield server


@pytest.fixture
async def runner(server: StandIn) -> AsyncIterator[OpenAIRunner]:
    async with running(server) as runner:
        yield runner


def chunk(choices: Any, **more: Any) -> dict[str, Any]:
    """A chunk as the reference streams have them."""
    facts = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return facts | {"choices": choices} | more


def piece(**fields: Any) -> dict[str, Any]:
    return chunk([{"index": 0, "delta": fields, "finish_reason": None}], usage=None)


CALL = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "add", "arguments": ""},
}
TOOL_CALL = sse(
    piece(role="assistant", content=None),
    piece(tool_calls=[CALL]),
    piece(tool_calls=[{"index": 0, "function": {"arguments": '{"a":1,'}}]),
    piece(tool_calls=[{"index": 0, "function": {"arguments": '"b":2}'}}]),
    chunk([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], usage=None),
    chunk([], usage={"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}),
    "[DONE]",
)
"""The reference stream of a tool call with usage."""


async def test_the_reference_stream_of_a_tool_call(server: StandIn, runner: OpenAIRunner) -> None:
    server.play(streaming(TOOL_CALL))
    found = await answer(runner)
    assert found.tool_calls == (ToolCall("call_1", "add", '{"a":1,"b":2}'),)
    assert (found.finish_reason, found.usage) == ("tool_calls", Usage(9, 7))


BROKEN = {
    "code": 502,
    "message": "Provider disconnected",
    "metadata": {"error_type": "provider_unavailable"},
}
GATEWAY = b": PROCESSING\n\n" + sse(
    {"id": "gen-1", "object": "chat.completion.chunk", "created": 1, "model": "a/b",
     "choices": [{"index": 0, "delta": {"role": "assistant", "content": "par"},
                  "finish_reason": None}]},
    {"id": "gen-1", "object": "chat.completion.chunk", "created": 1, "model": "a/b",
     "error": BROKEN,
     "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]},
)  # fmt: skip
"""The reference stream of a gateway whose provider fails half-way."""


async def test_the_reference_stream_of_a_gateway_that_fails(
    server: StandIn, runner: OpenAIRunner
) -> None:
    server.play(streaming(GATEWAY))
    texts: list[ChatEvent] = []
    with pytest.raises(UnavailableError) as caught:
        await read(runner, texts)
    assert texts == [TextDelta("par")]
    assert "Provider disconnected" in caught.value.message
    assert caught.value.retryable


async def read(runner: OpenAIRunner, into: list[ChatEvent]) -> None:
    async for event in runner.chat(asking()):
        into.append(event)


async def test_an_end_in_error_without_an_error_is_no_success(
    server: StandIn, runner: OpenAIRunner
) -> None:
    server.play(streaming(sse(delta("par"), stop("error"), "[DONE]")))
    with pytest.raises(ProcessingError):
        await answer(runner)


TEXTS: dict[str, bytes] = {
    "tool_calls: [] on plain answers": sse(
        delta("Hel", delta={"content": "Hel", "tool_calls": []}), delta("lo"), stop(), usage()
    ),
    "usage beside content in every chunk": sse(
        delta("Hel") | {"usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        delta("lo") | {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}, stop(),
    ),
    "a first delta of null, later ones without content": sse(
        delta(delta={"role": "assistant", "content": None}), delta("Hello"), delta(delta={}),
        stop() | {"timings": {"predicted_n": 2}}, usage(),
    ),
    "text in the first chunk": sse(
        delta(delta={"role": "assistant", "content": "Hello"}), stop(), usage()
    ),
    "a growing message beside the delta, no end marker": sse(
        delta("Hel", message={"role": "assistant", "content": "Hel"}),
        delta("lo", message={"role": "assistant", "content": "Hello"}), stop() | usage() | stop(),
        usage(),
    ),
    "an empty finish reason": sse(
        delta("Hel", finish_reason=""), delta("lo", finish_reason=""), stop(), usage()
    ),
    "an empty id, a date as text": sse(
        delta("Hello") | {"id": "", "created": "2026-11-21"}, stop() | {"created": 1.5}, usage()
    ),
    "choices of null": sse({"choices": None, "usage": None}, delta("Hello"), stop(), usage()),
    "stop_reason, token_ids and more": sse(
        delta("Hello", stop_reason=None, token_ids=[1]) | {"kv_transfer_params": None},
        stop() | {"prompt_logprobs": None}, usage(),
    ),
    "an unknown reason to stop": sse(delta("Hello"), stop("eos_token"), usage()),
    "JSON on the line after data:": sse(delta("Hello"), stop(), usage()).replace(
        b"data: {", b"data:\ndata: {"
    ),
    "unknown events beside": b'event: ping\ndata: {"type":"ping"}\n\n'
    + sse(delta("Hello"), stop(), usage()),
}  # fmt: skip


@pytest.mark.parametrize("shape", TEXTS)
async def test_odd_streams_say_hello(server: StandIn, runner: OpenAIRunner, shape: str) -> None:
    server.play(streaming(TEXTS[shape]))
    found = await answer(runner)
    assert (found.text, found.finish_reason, found.usage) == ("Hello", "stop", Usage(3, 2))


CALLS: dict[str, tuple[Any, ...]] = {
    "the whole call in one delta": ({**CALL, "function": {"name": "add", "arguments": '{"a":1}'}},),
    "no index": (
        {"id": "call_1", "function": {"name": "add", "arguments": '{"a":'}},
        {"id": "call_1", "function": {"arguments": "1}"}},
    ),
    "neither index nor id": (
        {"function": {"name": "add", "arguments": '{"a":'}}, {"function": {"arguments": "1}"}},
    ),
    "the id repeated": (
        {**CALL, "function": {"name": "add", "arguments": '{"a":'}},
        {**CALL, "function": {"name": "add", "arguments": "1}"}},
    ),
    "arguments as an object": ({**CALL, "function": {"name": "add", "arguments": {"a": 1}}},),
}  # fmt: skip


@pytest.mark.parametrize("shape", CALLS)
async def test_odd_tool_calls(server: StandIn, runner: OpenAIRunner, shape: str) -> None:
    pieces = [delta(delta={"tool_calls": [call]}) for call in CALLS[shape]]
    server.play(streaming(sse(*pieces, stop("stop"), "[DONE]")))
    found = await answer(runner)
    (call,) = found.tool_calls
    assert (call.name, call.arguments, found.finish_reason) == ("add", '{"a":1}', "tool_calls")


async def test_arguments_that_are_no_json_are_delivered(
    server: StandIn, runner: OpenAIRunner
) -> None:
    said = {**CALL, "function": {"name": "add", "arguments": "{a: 1"}}
    server.play(streaming(sse(delta(delta={"tool_calls": [said]}), stop("tool_calls"))))
    assert (await answer(runner)).tool_calls[0].arguments == "{a: 1"


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}]},
        {"reasoning_content": "hm", "reasoning": "hm"},
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
    ],
)
@pytest.mark.parametrize("kind", ["delta", "message"])
async def test_reasoning_is_read_once(
    server: StandIn, runner: OpenAIRunner, fields: dict[str, Any], kind: str
) -> None:
    if kind == "delta":
        server.play(streaming(sse(delta(delta=fields), delta("Hi"), stop())))
    else:
        choice = {"message": {"content": "Hi", **fields}, "finish_reason": "stop"}
        server.play(whole(msgspec.json.encode({"choices": [choice]})))
    events = [e async for e in runner.chat(asking(whole=kind == "message"))]
    assert events[:2] == [ReasoningDelta("hm"), TextDelta("Hi")]


# refusals ---------------------------------------------------------------------------------

REFUSALS: list[tuple[str, int, Any, type[RunnerError], str]] = [
    # vLLM
    ("context", 400, {"error": {"message": "This model's maximum context length is 128 tokens.",
     "type": "BadRequestError", "param": None, "code": 400}}, InputError,
     "context_length_exceeded"),
    ("parameter", 400, {"error": {"message": "temperature must be non-negative",
     "type": "BadRequestError", "param": "temperature", "code": 400}}, InputError, ""),
    ("model", 404, {"error": {"message": "The model `x` does not exist.",
     "type": "NotFoundError", "param": "model", "code": 404}}, NotFoundError, ""),
    ("key", 401, {"error": "Unauthorized"}, AuthenticationError, ""),
    ("dead engine", 500, {"error": {"message": "", "type": "InternalServerError", "code": 500}},
     UnavailableError, ""),
    ("not built", 501, {"error": {"message": "no", "type": "NotImplementedError", "code": 501}},
     CapabilityError, ""),
    # llama.cpp
    ("loading", 503, {"error": {"code": 503, "message": "Loading model",
     "type": "unavailable_error"}}, NotLoadedError, ""),
    ("context", 400, {"error": {"code": 400, "message": "request exceeds the context size",
     "type": "exceed_context_size_error", "n_prompt_tokens": 900, "n_ctx": 128}}, InputError,
     "context_length_exceeded"),
    ("not supported", 501, {"error": {"code": 501, "message": "no embeddings",
     "type": "not_supported_error"}}, CapabilityError, ""),
    ("key", 401, {"error": {"code": 401, "message": "Invalid API Key",
     "type": "authentication_error"}}, AuthenticationError, ""),
    # LM Studio
    ("plain", 400, {"error": "Trying to keep the first 900 tokens when context the overflows. "
     "The context length is 128."}, InputError, "context_length_exceeded"),
    ("load", 404, {"error": "Failed to load model “x”: not enough memory"}, NotLoadedError, ""),
    # LocalAI
    ("opaque", 500, b"", UnavailableError, ""),
    ("typeless", 500, {"error": {"code": 500, "message": "could not load model: rpc error",
     "type": ""}}, NotLoadedError, ""),
    ("page", 404, b"<html><body>Not Found</body></html>", NotFoundError, ""),
    # gateways
    ("no credits", 402, {"error": {"code": 402, "message": "Insufficient credits"}}, QuotaError,
     ""),
    ("in flight", 402, {"error": {"code": 402, "message": "budget", "metadata":
     {"limit_source": "gateway_in_flight_budget"}}}, RateLimitError, ""),
    ("moderated", 403, {"error": {"code": 403, "message": "flagged", "metadata": {"reasons":
     ["violence"], "flagged_input": "…", "provider_name": "P"}}}, BlockedError, "content_policy"),
    ("permission", 403, {"error": {"code": 403, "message": "no"}}, AuthenticationError,
     "permission"),
    ("no provider", 503, {"error": {"code": 503, "message": "none meets the routing"}},
     UnavailableError, ""),
    ("overloaded", 529, {"error": {"code": 529, "message": "busy"}}, OverloadedError, ""),
    ("edge", 524, b"<html>timeout</html>", UnavailableError, "timeout"),
    ("flat", 400, {"object": "error", "message": "bad", "type": "invalid_request_error"},
     InputError, ""),
    ("detail", 422, {"detail": [{"loc": ["body", "n"], "msg": "too large"}]}, InputError, ""),
    ("no body", 401, b"", AuthenticationError, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "kind", "detail"),
    [row[1:] for row in REFUSALS],
    ids=[f"{row[0]} {row[1]}" for row in REFUSALS],
)
async def test_refusals_are_their_own_kind(
    server: StandIn,
    runner: OpenAIRunner,
    status: int,
    body: Any,
    kind: type[RunnerError],
    detail: str,
) -> None:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    mime = "text/html" if data[:1] == b"<" else "application/json"
    server.play(whole(data, f"{status} No", content_type=mime, retry_after="7"))
    with pytest.raises(RunnerError) as caught:
        await answer(runner)
    error = caught.value
    assert (type(error), error.detail) == (kind, detail)
    assert error.message
    if isinstance(error, NotLoadedError | RateLimitError | OverloadedError):
        assert error.retry_after == 7


TYPES = {
    "context_length_exceeded": (InputError, "context_length_exceeded"),
    "token_limit_exceeded": (InputError, "context_length_exceeded"),
    "max_tokens_exceeded": (InputError, ""),
    "string_too_long": (InputError, "context_length_exceeded"),
    "authentication": (AuthenticationError, ""),
    "permission_denied": (AuthenticationError, "permission"),
    "payment_required": (QuotaError, ""),
    "rate_limit_exceeded": (RateLimitError, ""),
    "provider_overloaded": (OverloadedError, ""),
    "provider_unavailable": (UnavailableError, ""),
    "invalid_request": (InputError, ""),
    "invalid_prompt": (InputError, ""),
    "not_found": (NotFoundError, ""),
    "precondition_failed": (InputError, ""),
    "payload_too_large": (TooLargeError, ""),
    "unprocessable": (InputError, ""),
    "content_policy_violation": (BlockedError, "content_policy"),
    "refusal": (BlockedError, "content_policy"),
    "invalid_image": (InputError, ""),
    "image_too_large": (TooLargeError, ""),
    "image_too_small": (InputError, ""),
    "unsupported_image_format": (InputError, ""),
    "image_not_found": (InputError, ""),
    "image_download_failed": (InputError, ""),
    "server": (UnavailableError, ""),
    "timeout": (UnavailableError, "timeout"),
    "unmapped": (InputError, ""),
}
"""A gateway's whole vocabulary, each said with status 400 to show that the word counts."""


@pytest.mark.parametrize("word", TYPES)
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_gateways_word_says_more_than_its_status(
    server: StandIn, runner: OpenAIRunner, word: str, streamed: bool
) -> None:
    said = {"error": {"code": 400, "message": "m", "metadata": {"error_type": word}}}
    if streamed:
        server.play(streaming(sse(said)))
    else:
        server.play(whole(msgspec.json.encode(said), "400 No"))
    with pytest.raises(RunnerError) as caught:
        await answer(runner)
    assert (type(caught.value), caught.value.detail) == TYPES[word]


async def test_a_context_that_overflows_inside_a_200_stream(
    server: StandIn, runner: OpenAIRunner
) -> None:
    text = "The number of tokens to keep is greater than the context length."
    server.play(streaming(b"event: error\n" + sse({"error": {"message": text}})))
    with pytest.raises(InputError) as caught:
        await answer(runner)
    assert caught.value.detail == "context_length_exceeded"


async def test_comments_alone_are_no_answer(server: StandIn, runner: OpenAIRunner) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(b": PROCESSING\n\n" * 3)
        await exchange.end()

    server.play(script)
    with pytest.raises(ProcessingError) as caught:
        await answer(runner)
    assert caught.value.detail == "cut"
