"""How mock chats are delivered: piece by piece, with stop, length, several answers and tools."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted, ChatEvent, TextDelta, ToolCallDelta
from breeze.contracts.messages import AudioPart, FilePart, ImagePart, NamedTool, Tool
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import Work
from breeze.contracts.values import Usage
from breeze.runners._mock import MockParameters, finish, pause, pieces, unused
from breeze.runners._mock_json import sample

_NOT_SAMPLED = (
    "temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "logit_bias",
    "logprobs", "top_logprobs", "reasoning_effort",
)  # fmt: skip


class Cut(NamedTuple):
    """A text as it may be sent, in pieces, and why it ends."""

    pieces: list[str]
    reason: str


def cut(text: str, request: ChatRequest) -> Cut:
    """`text` up to the first stop text and the most tokens allowed."""
    ends = [at for stop in request.stop if (at := text.find(stop)) >= 0]
    if ends:
        text = text[: min(ends)]
    parts = pieces(text)
    if request.max_tokens is not None and len(parts) > request.max_tokens:
        return Cut(parts[: request.max_tokens], "length")
    return Cut(parts, "stop")


def as_asked(text: str, request: ChatRequest) -> str:
    """`text` in the form that the request wants: plain, or JSON that says it is a mock's."""
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return text
    if wanted.kind == "json_schema" and wanted.schema is not None:
        return json.dumps(sample(wanted.schema), ensure_ascii=False)
    return json.dumps({"mock": True, "answer": text}, ensure_ascii=False)


def called_tool(request: ChatRequest) -> Tool | None:
    """The tool that must be called: the named one, or the first when one is required."""
    offered, wanted = {tool.name: tool for tool in request.tools}, request.tool_choice
    if wanted in ("auto", "none"):
        return None
    name = wanted.name if isinstance(wanted, NamedTool) else next(iter(offered), "")
    if name not in offered:
        raise InputError("A tool must be called, but it is not in tools.", field="tool_choice")
    return offered[name]


def adjustments(request: ChatRequest, seen: tuple[type, ...] = ()) -> Iterator[Adjusted]:
    """What a mock leaves out: sampling, and parts of messages beyond those in `seen`."""
    yield from unused(request, "a mock answers by rule and samples nothing", *_NOT_SAMPLED)
    for i, message in enumerate(request.messages):
        for j, part in enumerate(message.parts):
            if isinstance(part, ImagePart | AudioPart | FilePart) and not isinstance(part, seen):
                kind = type(part).__name__.removesuffix("Part").lower()
                why = f"a mock cannot take in this {kind}"
                yield Adjusted(f"messages[{i}].content[{j}]", kind, None, why)


async def deliver(
    work: Work, request: ChatRequest, p: MockParameters, texts: list[str], **metadata: Any
) -> AsyncGenerator[ChatEvent]:
    """`texts`, one a choice, as a stream; or the tool call that the request insists on."""
    tool = called_tool(request)
    cuts = [cut(as_asked(text, request), request) for text in texts]
    steps = _calls(request, tool) if tool is not None else _texts(cuts)
    sent = 0
    for event in steps:
        if sent:
            await pause(p.stream_chunk_delay_ms)
        sent += 1
        work.steps += 1
        yield event
    asked = sum(len(pieces(message.text)) for message in request.messages)
    reason = "tool_calls" if tool is not None else _reason(cuts)
    yield Usage(prompt_tokens=asked, completion_tokens=sent)
    counts = {"prompt_tokens": asked, "token_count": sent, "finish_reason": reason}
    yield finish(reason, **counts, **metadata)


def _reason(cuts: list[Cut]) -> str:
    return "length" if any(one.reason == "length" for one in cuts) else "stop"


def _texts(cuts: list[Cut]) -> Iterator[TextDelta]:
    """The answers side by side, as a model that makes them together would send them."""
    for row in zip_longest(*(one.pieces for one in cuts)):
        for choice, piece in enumerate(row):
            if piece is not None:
                yield TextDelta(piece, choice)


def _calls(request: ChatRequest, tool: Tool) -> Iterator[ToolCallDelta]:
    arguments = sample({"type": "object", **tool.parameters})
    written = pieces(json.dumps(arguments, ensure_ascii=False))
    for choice in range(request.n):
        call = f"call_mock_{choice}_{len(request.messages)}"
        yield ToolCallDelta(0, call, tool.name, choice=choice)
        for piece in written:
            yield ToolCallDelta(0, arguments=piece, choice=choice)
