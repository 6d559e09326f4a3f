"""Puts the llama_stack runner to work on the stand-in of that name."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.capability import Capability
from breeze.contracts.messages import FilePart, Message, TextPart, Tool, ToolCall
from breeze.contracts.requests import ChatRequest
from breeze.runners._llama_stack_parameters import LlamaStackParameters
from breeze.runners.llama_stack import LlamaStackRunner
from breeze.testing.samples import Samples
from breeze.testing.standins.llama_stack import LlamaStackStandin
from tests.runners import vendor
from tests.runners.vendor import ready

PROFILES = LlamaStackStandin.profiles


def made(**values: Any) -> LlamaStackRunner:
    """A runner with these parameters."""
    return LlamaStackRunner(LlamaStackParameters.of(values))


def running(
    vendor: LlamaStackStandin, **values: Any
) -> AbstractAsyncContextManager[LlamaStackRunner]:
    """A loaded runner that asks `vendor`."""
    return ready(made(endpoint=vendor.url, **values))


async def answer(runner: LlamaStackRunner, request: ChatRequest | str = "Hi") -> ChatAnswer:
    """The whole answer, each event checked on its way."""
    asked = ChatRequest.of(request) if isinstance(request, str) else request
    return await vendor.answer(runner, asked)


async def told_the_weather(runner: LlamaStackRunner, tool: Tool, *, whole: bool) -> ChatAnswer:
    """The answer to what `tool` said, which the answer before had called."""
    asked = ChatRequest.of("What is the weather?", tools=(tool,), whole=whole)
    first = await answer(runner, asked)
    assert first.tool_calls == (ToolCall("call_0", "weather", '{"place":"text"}'),)
    assert first.finish_reason == "tool_calls"
    turns = (
        *asked.messages,
        Message("assistant", tool_calls=first.tool_calls),
        Message("tool", "Rain.", tool_call_id="call_0"),
    )
    return await answer(runner, ChatRequest(turns, tools=(tool,), whole=whole))


async def rehearsal(stack: AsyncExitStack, profile: str = "0.7") -> tuple[dict[str, Any], Samples]:
    """A vendor for the time of `stack`: the parameters for it, and requests with a file."""
    serving = LlamaStackStandin.serving(profile=profile, strict=False)
    vendor = await stack.enter_async_context(serving)
    part = FilePart(b"The dog is called Bruno.", "text/plain", "dog.txt")
    message = Message("user", (TextPart("What is the dog called?"), part))
    samples = Samples(short={Capability.LLM: ChatRequest((message,), max_tokens=16, seed=1)})
    return {"endpoint": vendor.url, "api_key": vendor.key, "enable_vision": True}, samples


def bodies(vendor: LlamaStackStandin, path: str) -> list[Any]:
    """What was sent to paths that end so."""
    return [call.json for call in vendor.calls if call.path.endswith(path)]
