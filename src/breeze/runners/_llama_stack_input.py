"""A chat request as the server's `/responses` takes it, and what had to be adjusted on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from breeze.contracts.dialects.openai_media import data_uri, mime_of
from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import (
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
)
from breeze.contracts.requests import ChatRequest
from breeze.runners._llama_stack_parameters import LlamaStackParameters

_LEAST = 16
"""New tokens below which newer servers refuse a limit."""
_NEVER: dict[str, Any] = {
    "stop": (), "seed": None, "n": 1, "logprobs": False, "top_logprobs": 0, "top_k": None,
    "logit_bias": {},
}  # fmt: skip
_NEWER: dict[str, Any] = {
    "max_tokens": None, "top_p": None, "presence_penalty": None, "frequency_penalty": None,
    "parallel_tool_calls": None, "reasoning_effort": "", "tool_choice": "auto",
}  # fmt: skip
_WHY = "the server's responses have no such setting"


class Asked(NamedTuple):
    """What else goes into the body: the model, the server's own tools, whether one is forced."""

    model: str
    tools: list[dict[str, Any]]
    newer: bool
    forced: dict[str, Any] | None = None


def responses_body(
    request: ChatRequest, p: LlamaStackParameters, asked: Asked
) -> tuple[dict[str, Any], list[Adjusted]]:
    """The body, and what of the request it cannot say. Raises InputError for odd parts."""
    system, turns = _split(request.messages)
    temperature = p.temperature if request.temperature is None else request.temperature
    body: dict[str, Any] = {
        "model": asked.model,
        "input": [item for i, m in turns for item in _items(m, f"messages[{i}]")],
        "temperature": temperature,
        "stream": not request.whole,
        "store": False,
        "max_infer_iters": p.max_rounds,
    }
    if system:
        body["instructions"] = system
    if tools := [*asked.tools, *map(_function, request.tools)]:
        body["tools"] = tools
    if request.response_format is not None and request.response_format.kind != "text":
        body["text"] = {"format": _format(request.response_format)}
    adjusted = list(_lost(request, _NEVER if asked.newer else {**_NEVER, **_NEWER}))
    if asked.newer:
        adjusted += _newer(body, request, p, asked)
    return body, adjusted


def _lost(request: ChatRequest, defaults: dict[str, Any]) -> Iterator[Adjusted]:
    for name, default in defaults.items():
        value = getattr(request, name)
        if value not in (default, None):
            yield Adjusted(name, _plain(value), _plain(default), _WHY)


def _plain(value: Any) -> Any:
    return value.name if isinstance(value, NamedTool) else value


def _newer(
    body: dict[str, Any], request: ChatRequest, p: LlamaStackParameters, asked: Asked
) -> Iterator[Adjusted]:
    """Add what older servers do not know."""
    limit = request.max_tokens or p.max_tokens
    body["max_output_tokens"] = max(limit, _LEAST)
    if request.max_tokens and limit < _LEAST:
        yield Adjusted("max_tokens", limit, _LEAST, f"the server takes {_LEAST} or more")
    for name in ("top_p", "presence_penalty", "frequency_penalty", "parallel_tool_calls"):
        if (value := getattr(request, name)) is not None:
            body[name] = value
    if request.reasoning_effort:
        body["reasoning"] = {"effort": request.reasoning_effort}
    if asked.forced is not None and request.tool_choice == "auto":
        body["tool_choice"] = asked.forced
    elif isinstance(request.tool_choice, NamedTool):
        body["tool_choice"] = {"type": "function", "name": request.tool_choice.name}
    elif request.tool_choice != "auto":
        body["tool_choice"] = request.tool_choice
    if any(tool["type"] == "file_search" for tool in asked.tools):
        body["include"] = ["file_search_call.results"]


def _split(messages: tuple[Message, ...]) -> tuple[str, list[tuple[int, Message]]]:
    """The text of the system messages at the beginning, and the rest with their places."""
    first = next((i for i, m in enumerate(messages) if m.role != "system"), len(messages))
    return "\n\n".join(m.text for m in messages[:first]), list(enumerate(messages))[first:]


def _items(message: Message, path: str) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        yield {
            "type": "function_call_output",
            "call_id": message.tool_call_id,
            "output": message.text,
        }
        return
    if message.role == "user" and not isinstance(message.content, str):
        content: Any = list(_parts(message, path))
    else:
        content = message.text
    if content:
        yield {"type": "message", "role": message.role, "content": content}
    for call in message.tool_calls:
        yield {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }


def _parts(message: Message, path: str) -> Iterator[dict[str, Any]]:
    for j, part in enumerate(message.parts):
        if isinstance(part, TextPart):
            yield {"type": "input_text", "text": part.text}
        elif isinstance(part, ImagePart):
            uri = part.url or data_uri(part.data, mime_of(part.data, part.mime or "image/png"))
            yield {"type": "input_image", "image_url": uri, "detail": part.detail}
        elif not isinstance(part, FilePart):  # files are sources, which are searched
            field = f"{path}.content[{j}]"
            raise InputError(f"{field}: sound cannot be sent here: write text.", field=field)


def _function(tool: Tool) -> dict[str, Any]:
    """A function of the caller's. Older servers want a description, be it empty."""
    function: dict[str, Any] = {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters or {"type": "object", "properties": {}},
    }
    return {**function, "strict": True} if tool.strict else function


def _format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    named = {"type": "json_schema", "name": wanted.name or "answer", "schema": wanted.schema or {}}
    return {**named, "strict": True} if wanted.strict else named
