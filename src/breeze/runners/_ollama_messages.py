"""A conversation as the server takes it: text, pictures as base64, tool calls with objects."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import FilePart, ImagePart, Message, TextPart, ToolCall
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._fetch import EVERYWHERE, USUAL, Policy, check_number, fetch

_PICTURE = 20_000_000
"""Bytes of a picture that is fetched."""


def policy_of(choice: str) -> Policy | None:
    """From where pictures may be fetched, None when from nowhere."""
    if choice == "off":
        return None
    usual = EVERYWHERE if choice == "any" else USUAL
    return usual._replace(limit=_PICTURE, types=("image/",))


async def messages_json(
    messages: Sequence[Message], policy: Policy | None
) -> tuple[list[dict[str, Any]], list[Adjusted]]:
    """The messages as JSON, and what could not be kept of them.

    Raises InputError for parts that are neither text nor pictures, and for pictures that cannot
    be fetched.
    """
    check_number(sum(not i.data for m in messages for i in m.images), "messages")
    notes: list[Adjusted] = []
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    found = []
    for i, message in enumerate(messages):
        said: dict[str, Any] = {"role": message.role, "content": _text(message, f"messages[{i}]")}
        if message.reasoning:
            said["thinking"] = message.reasoning
        if images := message.images:
            said["images"] = await _pictures(images, f"messages[{i}]", policy)
            notes += _details(images, f"messages[{i}]")
        if message.tool_calls:
            calls = enumerate(message.tool_calls)
            said["tool_calls"] = [_call_json(i, j, call, notes) for j, call in calls]
        if message.role == "tool":
            said |= _answering(message, names)
        elif message.name:
            why = "this server knows no names of speakers"
            notes.append(Adjusted(f"messages[{i}].name", message.name, "", why))
        found.append(said)
    return found, notes


def _text(message: Message, path: str) -> str:
    if isinstance(message.content, str):
        return message.content
    for j, part in enumerate(message.content):
        if not isinstance(part, TextPart | ImagePart):
            kind = "files" if isinstance(part, FilePart) else "sound"
            raise InputError(
                f"{path}.content[{j}]: this server takes no {kind} in a message, only text and "
                "pictures. Send the text of it, or choose another runner.",
                field=f"{path}.content[{j}]",
            )
    return message.text


async def _pictures(images: Sequence[ImagePart], path: str, policy: Policy | None) -> list[str]:
    """The pictures in base64."""
    places = (f"{path}.images[{j}]" for j in range(len(images)))
    found = await asyncio.gather(*map(_picture, images, places, [policy] * len(images)))
    return [base64.b64encode(data).decode() for data in found]


async def _picture(image: ImagePart, field: str, policy: Policy | None) -> bytes:
    if image.data:
        return image.data
    if policy is None:
        said = f"{field} is a URL, and fetch_images is off here: send the picture itself."
        raise InputError(said, field=field)
    return (await fetch(image.url, field, policy)).data


def _details(images: Sequence[ImagePart], path: str) -> list[Adjusted]:
    why = "this server looks at all pictures alike"
    return [
        Adjusted(f"{path}.images[{j}].detail", image.detail, "auto", why)
        for j, image in enumerate(images)
        if image.detail != "auto"
    ]


def _call_json(i: int, j: int, call: ToolCall, notes: list[Adjusted]) -> dict[str, Any]:
    """A call of an earlier answer. Its arguments must be an object."""
    try:
        arguments = msgspec.json.decode(call.arguments or "{}", type=dict[str, Any])
    except UNREADABLE:
        arguments = {}
        field, why = f"messages[{i}].tool_calls[{j}].arguments", "this server takes JSON objects"
        notes.append(Adjusted(field, call.arguments, "{}", why))
    said: dict[str, Any] = {"function": {"name": call.name, "arguments": arguments}}
    return {"id": call.id, **said} if call.id else said


def _answering(message: Message, names: dict[str, str]) -> dict[str, str]:
    """Which call a tool's message answers: by the tool's name, and by id for servers that look."""
    name = message.name or names.get(message.tool_call_id, "")
    found = {"tool_name": name, "tool_call_id": message.tool_call_id}
    return {key: value for key, value in found.items() if value}
