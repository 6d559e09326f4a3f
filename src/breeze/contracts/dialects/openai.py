"""OpenAI's chat completions: the request as JSON, both ways. Answers are in `openai_chunks`.

`chat_to_json` writes what any compatible server understands. `chat_from_json` is strict: a field
that nobody here honours is refused by name, so that no wish of a caller is lost in silence.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal, cast

import msgspec

from breeze.contracts.dialects.openai_json import (
    AudioPartJson,
    Body,
    FormatJson,
    FunctionJson,
    ImagePartJson,
    ImageUrl,
    MessageJson,
    NamedChoiceJson,
    PartJson,
    RefusalPartJson,
    TextPartJson,
    read_body,
)
from breeze.contracts.errors import InputError
from breeze.contracts.messages import (
    AudioPart,
    ContentPart,
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from breeze.contracts.requests import ChatRequest

_SAME = (
    "temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty",
    "parallel_tool_calls",
)  # fmt: skip
"""Fields with one name and meaning on both sides, None when not given."""

_MAGIC = (
    (b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"), (b"%PDF", "application/pdf"),
)  # fmt: skip


def mime_of(data: bytes, otherwise: str = "application/octet-stream") -> str:
    """The MIME type that the first bytes of `data` show."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _MAGIC if data.startswith(magic)), otherwise)


def chat_to_json(
    request: ChatRequest, *, limit_field: str = "max_tokens", **more: Any
) -> dict[str, Any]:
    """`request` as a chat-completions body; `more` is added as it is (`stream`, …).

    `limit_field` names the limit of new tokens: OpenAI's own models want `max_completion_tokens`.
    """
    body: dict[str, Any] = {"model": request.model, "messages": _messages_json(request.messages)}
    body |= {name: v for name in _SAME if (v := getattr(request, name)) is not None}
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
        url = part.url or _data_uri(part.data, mime_of(part.data, part.mime or "image/png"))
        return {"type": "image_url", "image_url": {"url": url, "detail": part.detail}}
    if isinstance(part, AudioPart):
        sound = {"data": base64.b64encode(part.data).decode(), "format": part.format}
        return {"type": "input_audio", "input_audio": sound}
    if part.file_id:
        return {"type": "file", "file": {"file_id": part.file_id}}
    return {
        "type": "file",
        "file": {"file_data": _data_uri(part.data, part.mime), "filename": part.name},
    }


def _data_uri(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


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


def chat_from_json(body: dict[str, Any]) -> ChatRequest:
    """The request that a chat-completions body asks for. Raises InputError with the field's path.

    `stream` and `stream_options` say how the answer travels, and book-keeping fields (`user`,
    `metadata`, …) change nothing: they are accepted and not read. `breeze` holds our own fields
    (runner, strict, session_id, deadline, params, guardian).
    """
    read = read_body(body)
    same = {name: value for name in _SAME if (value := getattr(read, name)) is not None}
    ours = msgspec.structs.asdict(read.breeze) if read.breeze is not None else {}
    return ChatRequest(
        tuple(_message(message, f"messages[{i}]") for i, message in enumerate(read.messages)),
        model=read.model,
        tools=tuple(_tool(tool.function) for tool in read.tools or ()),
        tool_choice=_choice(read.tool_choice),
        response_format=_format(read.response_format),
        max_tokens=_limit(read),
        stop=(read.stop,) if isinstance(read.stop, str) else tuple(read.stop or ()),
        n=1 if read.n is None else read.n,
        logit_bias=read.logit_bias or {},
        logprobs=bool(read.logprobs),
        top_logprobs=read.top_logprobs or 0,
        reasoning_effort=read.reasoning_effort or "",
        **same,
        **ours,
    )


def _limit(read: Body) -> int | None:
    """One limit under two names. Raises InputError when they disagree."""
    given = {v for v in (read.max_tokens, read.max_completion_tokens) if v is not None}
    if len(given) > 1:
        raise InputError(
            "max_tokens and max_completion_tokens disagree: give one.", field="max_tokens"
        )
    return given.pop() if given else None


def _tool(function: FunctionJson) -> Tool:
    return Tool(
        function.name,
        function.description or "",
        function.parameters or {},
        bool(function.strict),
    )


def _choice(given: str | NamedChoiceJson | None) -> ToolChoice:
    if isinstance(given, NamedChoiceJson):
        return NamedTool(given.function.name)
    return cast(ToolChoice, given or "auto")


def _format(given: FormatJson | None) -> ResponseFormat | None:
    if given is None:
        return None
    if given.type == "json_schema" and (given.json_schema is None or not given.json_schema.schema):
        field = "response_format.json_schema.schema"
        raise InputError(f"{field}: is needed with json_schema.", field=field)
    if given.json_schema is None:
        return ResponseFormat(given.type)
    wanted = given.json_schema
    return ResponseFormat(given.type, wanted.schema, wanted.name, bool(wanted.strict))


def _message(given: MessageJson, path: str) -> Message:
    content: str | tuple[ContentPart, ...]
    if isinstance(given.content, list):
        content = tuple(_part(p, f"{path}.content[{i}]") for i, p in enumerate(given.content))
    else:
        content = given.content or given.refusal or ""
    calls = given.tool_calls or ()
    return Message(
        "system" if given.role == "developer" else given.role,
        content,
        tuple(ToolCall(c.id, c.function.name, c.function.arguments) for c in calls),
        given.tool_call_id or "",
        given.name or "",
        given.reasoning_content or given.reasoning or "",
    )


def _part(part: PartJson, path: str) -> ContentPart:
    if isinstance(part, TextPartJson):
        return TextPart(part.text)
    if isinstance(part, RefusalPartJson):
        return TextPart(part.refusal)
    if isinstance(part, ImagePartJson):
        return _image(part.image_url, f"{path}.image_url.url")
    if isinstance(part, AudioPartJson):
        data = _decoded(part.input_audio.data, f"{path}.input_audio.data")
        return AudioPart(data, part.input_audio.format)
    if part.file.file_id:
        return FilePart(name=part.file.filename, file_id=part.file.file_id)
    data, mime = _from_uri(part.file.file_data, f"{path}.file.file_data")
    return FilePart(data, mime, part.file.filename)


def _image(given: ImageUrl, path: str) -> ImagePart:
    detail: Literal["auto", "low", "high"] = "high" if given.detail == "original" else given.detail
    if given.url.startswith(("https://", "http://")):
        return ImagePart(url=given.url, detail=detail)
    data, mime = _from_uri(given.url, path)
    return ImagePart(data, mime_of(data, mime), detail=detail)


def _from_uri(uri: str, path: str) -> tuple[bytes, str]:
    head, comma, payload = uri.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise InputError(f"{path}: must be data:<type>;base64,… (or a web address).", field=path)
    return _decoded(payload, path), head[5:-7]


def _decoded(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{path}: is not valid base64.", field=path) from error
