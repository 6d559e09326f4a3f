"""A request for a chat completion as it is written: what any compatible server understands."""

from __future__ import annotations

import base64
from operator import attrgetter
from typing import Any

import msgspec

from breeze.contracts.dialects.openai_media import data_uri, mime_of
from breeze.contracts.messages import (
    AudioPart,
    ContentPart,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
)
from breeze.contracts.requests import ChatRequest


class ChatBody(msgspec.Struct, omit_defaults=True):
    """A chat-completions request. What has its default is not sent."""

    model: str
    messages: list[Message | dict[str, Any]]
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    parallel_tool_calls: bool | None = None
    n: int = 1
    stop: tuple[str, ...] = ()
    logit_bias: dict[str, float] = {}
    reasoning_effort: str = ""
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None


_SAME = attrgetter(
    "temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty",
    "parallel_tool_calls", "n", "stop", "logit_bias", "reasoning_effort",
)  # fmt: skip
"""What has one name in a request and in its body, in the order of `ChatBody`."""


def chat_body(request: ChatRequest, model: str, limit_field: str = "max_tokens") -> ChatBody:
    """`request` to `model` as it is written. `limit_field` names the limit of new tokens."""
    body = ChatBody(model, list(map(_message_json, request.messages)), *_SAME(request))
    if request.max_tokens is not None:
        setattr(body, limit_field, request.max_tokens)
    if request.tools:
        body.tools = [_tool_json(tool) for tool in request.tools]
        body.tool_choice = _choice_json(request)
    if request.response_format is not None:
        body.response_format = _format_json(request.response_format)
    if request.logprobs:
        body.logprobs, body.top_logprobs = True, request.top_logprobs
    return body


def _message_json(message: Message) -> Message | dict[str, Any]:
    """The message itself when it is written as it is: text, and nothing with another name."""
    content = message.content
    odd = message.tool_calls or message.reasoning or message.reasoning_signature
    if type(content) is str and content and not odd:
        return message
    return _odd_message_json(message)


def _odd_message_json(message: Message) -> dict[str, Any]:
    content: Any = message.content
    if not isinstance(content, str):
        content = [part_json(part) for part in content]
    found: dict[str, Any] = {"role": message.role, "content": content}
    if message.tool_calls:
        found["content"] = content or None
        found["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in message.tool_calls
        ]
    extra = {
        "tool_call_id": message.tool_call_id,
        "name": message.name,
        "reasoning_content": message.reasoning,
    }
    return found | {name: value for name, value in extra.items() if value}


def part_json(part: ContentPart) -> dict[str, Any]:
    """One part of a message as it is written."""
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        url = part.url or data_uri(part.data, mime_of(part.data, part.mime or "image/png"))
        return {"type": "image_url", "image_url": {"url": url, "detail": part.detail}}
    if isinstance(part, AudioPart):
        sound = {"data": base64.b64encode(part.data).decode(), "format": part.format}
        return {"type": "input_audio", "input_audio": sound}
    if part.file_id:
        return {"type": "file", "file": {"file_id": part.file_id}}
    return {
        "type": "file",
        "file": {"file_data": data_uri(part.data, part.mime), "filename": part.name},
    }


def _tool_json(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.parameters}
    if tool.description:
        function["description"] = tool.description
    if tool.strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def _choice_json(request: ChatRequest) -> str | dict[str, Any]:
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.name}}
    return choice


def _format_json(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    schema = {"name": wanted.name or "answer", "schema": wanted.schema or {}}
    return {
        "type": "json_schema",
        "json_schema": {**schema, "strict": True} if wanted.strict else schema,
    }
