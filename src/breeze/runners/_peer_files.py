"""What is too large for a request's JSON goes to the other server ahead of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from breeze.contracts.events import Adjusted
from breeze.contracts.messages import ContentPart, FilePart, ImagePart, Message
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest, ModerateRequest, TranscribeRequest
from breeze.runners._whole_sound import heard_first, whole_sound

INLINE = 1024 * 1024
"""Bytes that a request carries itself."""
LONGEST = 512 * 1024 * 1024
"""Bytes of a recording, which is what a server takes."""
Put = Callable[[bytes, str], Awaitable[str]]
"""Sends bytes of a MIME type ahead; the id they got."""


async def gathered(request: Request[Any]) -> tuple[Request[Any], Adjusted | None]:
    """`request` with its sound as bytes, and what to say of a live source."""
    if not isinstance(request, TranscribeRequest) or request.audio:
        return request, None
    data = await whole_sound(request, LONGEST)
    note = heard_first() if request.live is not None else None
    return msgspec.structs.replace(request, audio=data, file="", live=None), note


async def lightened(request: Request[Any], put: Put) -> Request[Any]:
    """`request` with its large parts sent ahead by `put`."""
    if isinstance(request, TranscribeRequest) and len(request.audio) > INLINE:
        id = await put(request.audio, "application/octet-stream")
        return msgspec.structs.replace(request, audio=b"", file=f"upload:{id}")
    if isinstance(request, ChatRequest | ModerateRequest) and request.messages:
        messages = tuple([await _message(message, put) for message in request.messages])
        return msgspec.structs.replace(request, messages=messages)
    return request


async def _message(message: Message, put: Put) -> Message:
    if isinstance(message.content, str):
        return message
    parts = tuple([await _part(part, put) for part in message.content])
    return msgspec.structs.replace(message, content=parts)


async def _part(part: ContentPart, put: Put) -> ContentPart:
    mime = "application/octet-stream"
    if isinstance(part, ImagePart) and len(part.data) > INLINE:
        url = f"upload:{await put(part.data, part.mime or mime)}"
        return msgspec.structs.replace(part, data=b"", url=url)
    if isinstance(part, FilePart) and len(part.data) > INLINE:
        return msgspec.structs.replace(
            part, data=b"", file_id=await put(part.data, part.mime or mime)
        )
    return part
