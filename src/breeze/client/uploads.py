"""What is too large for a request's JSON goes ahead of it, and the request refers to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from breeze.contracts.errors import InputError
from breeze.contracts.messages import ContentPart, FilePart, ImagePart, Message
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest, ModerateRequest, TranscribeRequest

if TYPE_CHECKING:
    from io import BufferedReader

INLINE = 1024 * 1024
"""Bytes that a request carries itself; more is uploaded."""
PREFIX = "upload:"
Put = Callable[["bytes | Path", str], Awaitable[str]]
"""Uploads bytes or a file, given its MIME type; the id it got."""


async def lightened(request: Request[Any], put: Put) -> Request[Any]:
    """`request` with its large parts and local files uploaded by `put`."""
    if isinstance(request, TranscribeRequest):
        return await _speech(request, put)
    if isinstance(request, ChatRequest | ModerateRequest) and request.messages:
        messages = tuple([await _message(message, put) for message in request.messages])
        return msgspec.structs.replace(request, messages=messages)
    return request


async def _speech(request: TranscribeRequest, put: Put) -> TranscribeRequest:
    if len(request.audio) > INLINE:
        return msgspec.structs.replace(
            request, audio=b"", file=PREFIX + await put(request.audio, "")
        )
    if not request.file or request.file.startswith(PREFIX):
        return request
    path = Path(request.file)
    if await size_of(path, "file") > INLINE:
        return msgspec.structs.replace(request, file=PREFIX + await put(path, ""))
    return msgspec.structs.replace(request, file="", audio=await asyncio.to_thread(path.read_bytes))


async def _message(message: Message, put: Put) -> Message:
    if isinstance(message.content, str):
        return message
    parts = tuple([await _part(part, put) for part in message.content])
    return msgspec.structs.replace(message, content=parts)


async def _part(part: ContentPart, put: Put) -> ContentPart:
    if isinstance(part, ImagePart) and len(part.data) > INLINE:
        return msgspec.structs.replace(part, data=b"", url=PREFIX + await put(part.data, part.mime))
    if isinstance(part, FilePart) and len(part.data) > INLINE:
        return msgspec.structs.replace(part, data=b"", file_id=await put(part.data, part.mime))
    return part


async def size_of(path: Path, field: str) -> int:
    """Bytes of a local file. Raises InputError when it cannot be read."""
    try:
        found = await asyncio.to_thread(path.stat)
    except OSError as error:
        raise _unreadable(path, field, error) from error
    return found.st_size


async def opened(path: Path, field: str) -> BufferedReader:
    """A local file, to be sent. Raises InputError when it cannot be read."""
    try:
        return await asyncio.to_thread(path.open, "rb")
    except OSError as error:
        raise _unreadable(path, field, error) from error


def _unreadable(path: Path, field: str, error: OSError) -> InputError:
    return InputError(f"{path} cannot be read here: {error.strerror}.", field=field)
