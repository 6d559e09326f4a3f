"""What is too large for a request's JSON goes to the other server ahead of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.errors import InputError, RunnerError, TooLargeError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import ContentPart, FilePart, ImagePart, Message
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest, ModerateRequest, TranscribeRequest

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
    if request.live is None:
        data = await _file(Path(request.file))
        return msgspec.structs.replace(request, audio=data, file=""), None
    why = "another server is sent the whole recording, so the answer begins when it has ended"
    note = Adjusted("live", "live", "audio", why)
    return msgspec.structs.replace(request, audio=await _heard(request.live), live=None), note


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


async def _file(path: Path) -> bytes:
    try:
        if (await asyncio.to_thread(path.stat)).st_size > LONGEST:
            raise _too_long("file")
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", field="file") from error


async def _heard(live: AsyncIterable[bytes]) -> bytes:
    """All that a live source gives; it is closed at the end if it can be."""
    heard = bytearray()
    pieces = aiter(live)
    try:
        async for piece in pieces:
            heard += piece
            if len(heard) > LONGEST:
                raise _too_long("live")
    except RunnerError:
        raise
    except Exception as error:  # the source is the caller's: whatever it raises is its fault
        raise InputError(
            f"The live source failed ({type(error).__name__}: {error}). It must give bytes.",
            field="live",
        ) from error
    finally:
        if (close := getattr(pieces, "aclose", None)) is not None:
            await close()
    if not heard:
        raise InputError("The live source gave no sound.", field="live")
    return bytes(heard)


def _too_long(field: str) -> TooLargeError:
    return TooLargeError(
        f"{field}: {LONGEST // 1024**2} MiB of sound are the most that a server takes.",
        field=field,
        data={"limit": LONGEST},
    )
