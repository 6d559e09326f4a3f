"""Messages and their parts as Anthropic's content blocks."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from breeze.contracts.dialects.anthropic_thinking import thinking_blocks
from breeze.contracts.dialects.openai_media import mime_of
from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import (
    AudioPart,
    ContentPart,
    FilePart,
    ImagePart,
    Message,
    TextPart,
    ToolCall,
)
from breeze.contracts.unreadable import UNREADABLE

Json = dict[str, Any]
IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""Types of pictures that are taken."""


def turns_of(messages: Sequence[Message], first: int, adjusted: list[Adjusted]) -> list[Json]:
    """The turns of a conversation. `first`: the place of `messages[0]` in the request.

    Answers of tools that follow each other are one turn of the user, as the dialect wants it.
    """
    turns: list[Json] = []
    results: list[Json] | None = None
    for index, message in enumerate(messages, first):
        path = f"messages[{index}]"
        if message.name:
            why = "messages have no names here"
            adjusted.append(Adjusted(f"{path}.name", message.name, None, why))
        if message.role == "tool":
            if results is None:
                results = []
                turns.append({"role": "user", "content": results})
            results.append(_result(message, path))
            continue
        results = None
        turns.append({"role": message.role, "content": _content(message, path, adjusted)})
    return turns


def _content(message: Message, path: str, adjusted: list[Adjusted]) -> str | list[Json]:
    if message.role == "assistant":
        return _spoken(message, path, adjusted)
    return contents(message, path, adjusted)


def contents(message: Message, path: str, adjusted: list[Adjusted]) -> str | list[Json]:
    """Text as it is, parts as blocks."""
    if isinstance(message.content, str):
        return message.content
    if any(image.detail != "auto" for image in message.images):
        why = "pictures have no detail here"
        adjusted.append(Adjusted(f"{path}.detail", "given", "auto", why))
    return _blocks(message.content, path)


def _spoken(message: Message, path: str, adjusted: list[Adjusted]) -> str | list[Json]:
    """An earlier answer: its thinking first, then what was said, then what was called."""
    for part in message.parts:
        if not isinstance(part, TextPart):
            raise InputError(
                f"{path}.content: an answer holds text only here. Move the rest to a user's turn.",
                field=f"{path}.content",
            )
    thoughts = thinking_blocks(message)
    if message.reasoning and not thoughts:
        why = "reasoning is taken back with its signature only"
        adjusted.append(Adjusted(f"{path}.reasoning", True, False, why))
    if isinstance(message.content, str) and not thoughts and not message.tool_calls:
        return message.content
    said = [part for part in message.parts if isinstance(part, TextPart) and part.text]
    calls = [_call(call, f"{path}.tool_calls[{i}]") for i, call in enumerate(message.tool_calls)]
    return [*thoughts, *_blocks(said, path), *calls]


def _call(call: ToolCall, path: str) -> Json:
    try:
        given = msgspec.json.decode(call.arguments or "{}")
    except UNREADABLE:
        given = None
    if not isinstance(given, dict):
        field = f"{path}.arguments"
        raise InputError(f"{field}: must be a JSON object.", field=field)
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": given}


def _result(message: Message, path: str) -> Json:
    content = message.content
    if not isinstance(content, str):
        content = _blocks(content, path)  # type: ignore[assignment]
    return {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content}


def _blocks(parts: Sequence[ContentPart], path: str) -> list[Json]:
    return [_block(part, f"{path}.content[{i}]") for i, part in enumerate(parts)]


def _block(part: ContentPart, path: str) -> Json:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        return _image(part, path)
    if isinstance(part, AudioPart):
        raise InputError(f"{path}: sound is not taken here. Transcribe it first.", field=path)
    return _document(part, path)


def _image(part: ImagePart, path: str) -> Json:
    if part.url:
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    mime = mime_of(part.data, part.mime or "image/png")
    if mime not in IMAGES:
        raise InputError(
            f"{path}: a picture of type {mime} is not taken here. Send PNG, JPEG, GIF or WebP.",
            field=path,
        )
    return {"type": "image", "source": _packed(part.data, mime)}


def _document(part: FilePart, path: str) -> Json:
    mime = mime_of(part.data, part.mime).partition(";")[0].strip().lower()
    named = {"title": part.name} if part.name else {}
    if part.file_id:
        return {"type": "document", "source": {"type": "file", "file_id": part.file_id}, **named}
    if mime == "application/pdf":
        return {"type": "document", "source": _packed(part.data, mime), **named}
    if mime in IMAGES:
        return {"type": "image", "source": _packed(part.data, mime)}
    try:
        text = part.data.decode()
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text:
        raise InputError(
            f"{path}: a file of type {mime} is not taken here. Send PDF, UTF-8 text or a picture.",
            field=path,
        )
    source = {"type": "text", "media_type": "text/plain", "data": text}
    return {"type": "document", "source": source, **named}


def _packed(data: bytes, mime: str) -> Json:
    return {"type": "base64", "media_type": mime, "data": base64.b64encode(data).decode()}
