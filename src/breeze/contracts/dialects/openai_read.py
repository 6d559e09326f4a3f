"""A chat-completions request, from JSON to our type."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from breeze.contracts.dialects.openai_json import (
    SAME,
    Body,
    FormatJson,
    FunctionJson,
    NamedChoiceJson,
    read_body,
)
from breeze.contracts.dialects.openai_media import decoded, from_uri, image_part
from breeze.contracts.dialects.openai_message_json import (
    AudioPartJson,
    ImagePartJson,
    MessageJson,
    PartJson,
    RefusalPartJson,
    TextPartJson,
)
from breeze.contracts.errors import InputError
from breeze.contracts.messages import (
    AudioPart,
    ContentPart,
    FilePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from breeze.contracts.requests import ChatRequest


def chat_from_json(body: dict[str, Any]) -> ChatRequest:
    """The request that a chat-completions body asks for. Raises InputError with the field's path.

    `stream` and `stream_options` say how the answer travels, and book-keeping fields (`user`,
    `metadata`, …) change nothing: they are accepted and not read. `breeze` holds our own fields
    (runner, strict, session_id, deadline, params, guardian).
    """
    read = read_body(body)
    fields = {
        name: value for name in body if name in _SAME and (value := getattr(read, name)) is not None
    }
    if read.breeze is not None:
        fields |= msgspec.structs.asdict(read.breeze)
    if read.tools:
        fields["tools"] = tuple(_tool(tool.function) for tool in read.tools)
    if read.tool_choice is not None:
        fields["tool_choice"] = _choice(read)
    if read.response_format is not None:
        fields["response_format"] = _format(read.response_format)
    if read.stop is not None:
        fields["stop"] = (read.stop,) if isinstance(read.stop, str) else tuple(read.stop)
    messages = tuple(_message(message, i) for i, message in enumerate(read.messages))
    return ChatRequest(messages, max_tokens=_limit(read), **fields)


_SAME = frozenset((
    *SAME, "logit_bias", "logprobs", "model", "n", "reasoning_effort", "top_logprobs",
))  # fmt: skip


def _limit(read: Body) -> int | None:
    """One limit under two names. Raises InputError when they disagree."""
    if read.max_completion_tokens is None or read.max_tokens is None:
        return read.max_completion_tokens if read.max_tokens is None else read.max_tokens
    if read.max_completion_tokens != read.max_tokens:
        raise InputError(
            "max_tokens and max_completion_tokens disagree: give one.", field="max_tokens"
        )
    return read.max_tokens


def _tool(function: FunctionJson) -> Tool:
    return Tool(
        function.name,
        function.description or "",
        function.parameters or {},
        bool(function.strict),
    )


def _choice(read: Body) -> ToolChoice:
    given = read.tool_choice
    if isinstance(given, NamedChoiceJson):
        return NamedTool(given.function.name)
    if given == "required" and not read.tools:
        raise InputError(
            "tool_choice: a call is required, but tools is empty.", field="tool_choice"
        )
    return cast(ToolChoice, given or "auto")


def _format(given: FormatJson) -> ResponseFormat:
    if given.type == "json_schema" and (given.json_schema is None or not given.json_schema.schema):
        field = "response_format.json_schema.schema"
        raise InputError(f"{field}: is needed with json_schema.", field=field)
    if given.json_schema is None:
        return ResponseFormat(given.type)
    wanted = given.json_schema
    return ResponseFormat(given.type, wanted.schema, wanted.name, bool(wanted.strict))


def _message(given: MessageJson, place: int) -> Message:
    content: str | tuple[ContentPart, ...]
    if isinstance(given.content, list):
        path = f"messages[{place}].content"
        content = tuple(_part(part, f"{path}[{i}]") for i, part in enumerate(given.content))
    else:
        content = given.content or given.refusal or ""
    calls = given.tool_calls or ()
    return Message(
        "system" if given.role == "developer" else given.role,
        content,
        tuple(
            ToolCall(c.id, c.function.name, c.function.arguments, c.signature or "") for c in calls
        ),
        given.tool_call_id or "",
        given.name or "",
        given.reasoning_content or given.reasoning or "",
        given.reasoning_signature or "",
    )


def _part(part: PartJson, path: str) -> ContentPart:
    if isinstance(part, TextPartJson):
        return TextPart(part.text)
    if isinstance(part, RefusalPartJson):
        return TextPart(part.refusal)
    if isinstance(part, ImagePartJson):
        return image_part(part.image_url, f"{path}.image_url.url")
    if isinstance(part, AudioPartJson):
        data = decoded(part.input_audio.data, f"{path}.input_audio.data")
        return AudioPart(data, part.input_audio.format)
    if part.file.file_id:
        return FilePart(name=part.file.filename, file_id=part.file.file_id)
    data, mime = from_uri(part.file.file_data, f"{path}.file.file_data")
    return FilePart(data, mime, part.file.filename)
