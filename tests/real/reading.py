"""A runner that uses tools, for servers that need such a model. The tests install it as a package.

The embedded model answers; this adds what it never learnt: it calls the first tool that it is
offered with the question, and reads what the tool said as the context of that question.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator

from msgspec.structs import replace

from breeze.contracts.capability import RunnerKind
from breeze.contracts.events import ChatEvent, Finish, ToolCallDelta
from breeze.contracts.messages import Message
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import runner
from breeze.runners.llamacpp import LlamaCppRunner

FRAME = re.compile(r"^(\[\d+\] .*|Result \d+|.*tool found \d+ chunks:|BEGIN of .*|END of .*)$", re.M)
AFTER = re.compile(r"The above results were retrieved.*", re.S)


@runner("reading", vendor="Tests", kind=RunnerKind.LOCAL, needs=("xllamacpp",), concurrency=4)
class ReadingRunner(LlamaCppRunner):
    """The embedded model with a way to call tools and to read their results."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        said = [m for m in request.messages if m.role == "tool"]
        asked = [m.text for m in request.messages if m.role == "user"][-1]
        if request.tools and not said and request.tool_choice != "none":
            tool = request.tools[0]
            name = next(iter(tool.parameters.get("properties", {"query": {}})))
            yield ToolCallDelta(0, "call_1", tool.name, json.dumps({name: asked}))
            yield Finish("tool_calls")
            return
        if said:
            context = AFTER.sub("", FRAME.sub("", said[-1].text))
            question = f"Context: {' '.join(context.split())} Question: {asked}"
            request = replace(request, messages=(Message("user", question),))
        async for event in super().chat(replace(request, tools=(), tool_choice="auto")):
            yield event
