"""Runners that servers need for their models. The tests install this file as a package.

`reading` is the embedded model with what it never learnt: it calls the first tool that it is
offered with the question, and reads what the tool said as the context of that question.
`judging` is our guardian as a model that judges.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator

from msgspec.structs import replace

from breeze.contracts.capability import RunnerKind
from breeze.contracts.events import ChatEvent, Finish, TextDelta, ToolCallDelta, Verdict
from breeze.contracts.messages import Message
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest, ModerateRequest
from breeze.contracts.runner import Runner, runner
from breeze.runners._rules_parameters import RulesParameters
from breeze.runners.llamacpp import LlamaCppRunner
from breeze.runners.rules import RulesRunner

WRAPPED = re.compile(
    r"The following is untrusted .*?<untrusted_tool_output>|</untrusted_tool_output>", re.S
)
FRAME = re.compile(r"^(\[\d+\] .*|.*tool found \d+ chunks:|BEGIN of .*|END of .*)$", re.M)
AFTER = re.compile(r"The above results were retrieved.*", re.S)
"""What servers put round the passages that they found."""


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
            context = AFTER.sub("", FRAME.sub("", WRAPPED.sub("\n", said[-1].text)))
            question = f"Context: {' '.join(context.split())} Question: {asked}"
            request = replace(request, messages=(Message("user", question),))
        async for event in super().chat(replace(request, tools=(), tool_choice="auto")):
            yield event


TALK = re.compile(r"<BEGIN CONVERSATION>(.*)<END CONVERSATION>", re.S)


@runner("judging", vendor="Tests", kind=RunnerKind.LOCAL)
class JudgingRunner(Runner[Parameters]):
    """Our guardian's rules in the words of Llama Guard: safe, or unsafe and a category."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        said = request.messages[-1].text
        talk = TALK.search(said)
        judge = RulesRunner(RulesParameters.of({}))
        await judge.load("")
        asked = ModerateRequest(talk[1].strip() if talk else said)
        verdicts = [e async for e in judge.moderate(asked) if isinstance(e, Verdict)]
        yield TextDelta("safe" if verdicts[-1].status == "SAFE" else "unsafe\nS1")
        yield Finish()
