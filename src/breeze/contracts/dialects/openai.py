"""OpenAI's chat completions: the request as JSON, both ways. Answers are in `openai_chunks`.

`chat_to_json` writes what any compatible server understands. `chat_from_json` is strict: a field
that nobody here honours is refused by name, so that no wish of a caller is lost in silence.
"""

from __future__ import annotations

import base64
from typing import Any

from breeze.contracts.dialects.openai_chunks import ChunkReader as ChunkReader
from breeze.contracts.dialects.openai_chunks import UpstreamError as UpstreamError
from breeze.contracts.dialects.openai_json import SAME
from breeze.contracts.dialects.openai_media import data_uri, mime_of
from breeze.contracts.dialects.openai_read import chat_from_json as chat_from_json
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


def chat_to_json(
    request: ChatRequest, *, limit_field: str = "max_tokens", **more: Any
) -> dict[str, Any]:
    """`request` as a chat-completions body; `more` is added as it is (`stream`, …).

    `limit_field` names the limit of new tokens: OpenAI's own models want `max_completion_tokens`.
    """
    body: dict[str, Any] = {"model": request.model, "messages": _messages_json(request.messages)}
    body |= {name: v for name in SAME if (v := getattr(request, name)) is not None}
    if request.max_tokens is not None:
        body[limit_field] = request.max_tokens
    if request.tools:
        body["tools"] = [_tool_json(tool) for tool in request.tools]
        body["tool_choice"] = _choice_json(request)
    if request.response_format is not None:
        body["response_format"] = _format_json(request.response_format)
    if request.n != 1:
        body["n"] = request.n
    if request.logprobs:
        body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    for name in ("stop", "logit_bias", "reasoning_effort"):
        if value := getattr(request, name):
            body[name] = list(value) if name == "stop" else value
    return body | more


def _messages_json(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    return [_message_json(message) for message in messages]


def _message_json(message: Message) -> dict[str, Any]:
    content: Any = message.content
    if not isinstance(content, str):
        content = [_part_json(part) for part in content]
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


def _part_json(part: ContentPart) -> dict[str, Any]:
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
