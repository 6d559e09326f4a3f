"""A conversation as Gemini's contents: who spoke, in which parts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from breeze.contracts.dialects.openai_media import mime_of
from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import (
    AudioPart,
    ContentPart,
    ImagePart,
    Message,
    TextPart,
    ToolCall,
)
from breeze.contracts.unreadable import UNREADABLE

Json = dict[str, Any]
MARK = "google:"
"""Begins a signature of this vendor, so that no other one's is taken for it."""
_SOUNDS = {"mp3": "audio/mp3", "mpeg": "audio/mp3", "m4a": "audio/mp4", "opus": "audio/ogg"}
"""Formats of sound whose type is not `audio/` and their name."""
_ROLES = {"user": "user", "assistant": "model"}


def contents_of(
    messages: Sequence[Message], unsigned: str, adjusted: list[Adjusted]
) -> tuple[list[Json], list[Json]]:
    """What the system says, and the turns. `unsigned`: the signature of calls that have none.

    Answers of tools that follow each other are one turn, as the vendor wants it.
    """
    system: list[Json] = []
    turns: list[Json] = []
    results: list[Json] | None = None
    called: dict[str, str] = {}
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        called |= {call.id: call.name for call in message.tool_calls}
        if message.role == "tool":
            if results is None:
                results = []
                turns.append({"role": "user", "parts": results})
            results += _result(message, called, path)
            continue
        results = None
        _tell(message, path, bool(turns), adjusted)
        if message.role == "system":
            system += _parts(message, path)
        else:
            parts = _parts(message, path) + _calls(message, unsigned, path)
            turns.append({"role": _ROLES[message.role], "parts": _signed(parts, message)})
    return system, turns


def _tell(message: Message, path: str, begun: bool, adjusted: list[Adjusted]) -> None:
    """Name what of a message has no place here."""
    if message.name:
        why = "messages have no names here"
        adjusted.append(Adjusted(f"{path}.name", message.name, None, why))
    if message.reasoning and not message.reasoning_signature.startswith(MARK):
        why = "reasoning is not taken back, but for its signature"
        adjusted.append(Adjusted(f"{path}.reasoning", True, False, why))
    if message.role == "system" and begun:
        why = "what the system says stands before the conversation here"
        adjusted.append(Adjusted(f"{path}.role", "system", "system instruction", why))


def _parts(message: Message, path: str) -> list[Json]:
    if isinstance(message.content, str):
        silent = not message.content and (message.tool_calls or message.reasoning_signature)
        return [] if silent else [{"text": message.content}]
    return [_part(part, f"{path}.content[{i}]") for i, part in enumerate(message.content)]


def _part(part: ContentPart, path: str) -> Json:
    if isinstance(part, TextPart):
        return {"text": part.text}
    if isinstance(part, ImagePart):
        if part.url:
            return {
                "fileData": {"fileUri": part.url} | ({"mimeType": part.mime} if part.mime else {})
            }
        return _inline(part.data, mime_of(part.data, part.mime or "image/png"))
    if isinstance(part, AudioPart):
        return _inline(part.data, _SOUNDS.get(part.format, f"audio/{part.format}"))
    if part.file_id:
        return {"fileData": {"fileUri": part.file_id, "mimeType": part.mime}}
    if not part.data:
        raise InputError(f"{path}: is empty. Send the file itself.", field=path)
    return _inline(part.data, mime_of(part.data, part.mime).partition(";")[0].strip())


def _inline(data: bytes, mime: str) -> Json:
    return {"inlineData": {"mimeType": mime, "data": base64.b64encode(data).decode()}}


def _calls(message: Message, unsigned: str, path: str) -> list[Json]:
    return [
        _call(call, unsigned if not i else "", f"{path}.tool_calls[{i}]")
        for i, call in enumerate(message.tool_calls)
    ]


def _call(call: ToolCall, unsigned: str, path: str) -> Json:
    found: Json = {
        "functionCall": {"id": call.id, "name": call.name, "args": _object(call.arguments, path)}
    }
    ours = call.signature.startswith(MARK)
    signature = call.signature.removeprefix(MARK) if ours else unsigned
    return found | {"thoughtSignature": signature} if signature else found


def _object(arguments: str, path: str) -> Json:
    try:
        given = msgspec.json.decode(arguments or "{}")
    except UNREADABLE:
        given = None
    if not isinstance(given, dict):
        field = f"{path}.arguments"
        raise InputError(f"{field}: must be a JSON object.", field=field)
    return given


def _result(message: Message, called: dict[str, str], path: str) -> list[Json]:
    """A tool's answer: its text as an object, and what else it holds beside it."""
    name = called.get(message.tool_call_id) or message.name
    if not name:
        field = f"{path}.tool_call_id"
        raise InputError(
            f"{field}: no earlier message calls {message.tool_call_id!r}, and the vendor wants the "
            "tool's name. Send that message too, or give the name.",
            field=field,
        )
    try:
        said = msgspec.json.decode(message.text)
    except UNREADABLE:
        said = message.text
    response = said if isinstance(said, dict) else {"result": said}
    told: Json = {"id": message.tool_call_id, "name": name, "response": response}
    parts = () if isinstance(message.content, str) else enumerate(message.content)
    more = [_part(p, f"{path}.content[{i}]") for i, p in parts if not isinstance(p, TextPart)]
    return [{"functionResponse": told}, *more]


def _signed(parts: list[Json], message: Message) -> list[Json]:
    """The parts with the signature of the whole turn on the last text."""
    if not message.reasoning_signature.startswith(MARK):
        return parts
    signature = message.reasoning_signature.removeprefix(MARK)
    texts = [part for part in parts if "text" in part]
    if not texts:
        return [{"text": "", "thoughtSignature": signature}, *parts]
    texts[-1]["thoughtSignature"] = signature
    return parts
