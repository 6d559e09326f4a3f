"""What a request from the network may refer to: uploads by id and web addresses, never a path."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec

from breeze.contracts.errors import InputError, NotFoundError, TooLargeError
from breeze.contracts.messages import ContentPart, FilePart, ImagePart, Message
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest, ModerateRequest, TranscribeRequest
from breeze.service.uploads import MIB, Upload, Uploads

PREFIX = "upload:"
LARGEST = 64 * MIB
"""Bytes of a file that is read into the memory: pictures and documents. Sound stays on disk."""
R = TypeVar("R", bound=Request[Any])


async def resolve_uploads(request: R, uploads: Uploads, owner: str) -> R:
    """`request` with every `upload:ID` and file id replaced by what `owner` sent under it.

    Raises NotFoundError for an unknown id, InputError for a reference to anything else on this
    machine, TooLargeError for one that is too large to be read; each names the field.
    """
    kind = type(request)
    if kind is ChatRequest or kind is ModerateRequest:
        messages: tuple[Message, ...] = request.messages  # type: ignore[attr-defined]
        if all(type(message.content) is str for message in messages):
            return request
        found = tuple([
            await _message(message, f"messages[{i}]", uploads, owner)
            for i, message in enumerate(messages)
        ])  # fmt: skip
        return msgspec.structs.replace(request, messages=found)
    if kind is TranscribeRequest and request.file:  # type: ignore[attr-defined]
        file = request.file  # type: ignore[attr-defined]
        return msgspec.structs.replace(request, file=_sound(file, uploads, owner))
    return request


def _sound(file: str, uploads: Uploads, owner: str) -> str:
    if not file.startswith(PREFIX):
        raise InputError(
            "file must be upload:ID, with the id that POST /v2/uploads gave: a server reads no "
            "path and no address for others. Or send the bytes as audio.",
            field="file",
        )
    return str(_find(file.removeprefix(PREFIX), "file", uploads, owner).path)


async def _message(message: Message, path: str, uploads: Uploads, owner: str) -> Message:
    if isinstance(message.content, str):
        return message
    parts = [
        await _part(part, f"{path}.content[{i}]", uploads, owner)
        for i, part in enumerate(message.content)
    ]
    return msgspec.structs.replace(message, content=tuple(parts))


async def _part(part: ContentPart, path: str, uploads: Uploads, owner: str) -> ContentPart:
    if isinstance(part, ImagePart) and part.url:
        return await _image(part, f"{path}.url", uploads, owner)
    if isinstance(part, FilePart) and part.file_id:
        if part.data:
            raise InputError(f"{path}: give either data or file_id.", field=f"{path}.file_id")
        sent = _find(part.file_id, f"{path}.file_id", uploads, owner)
        data = await _bytes(sent, f"{path}.file_id")
        return msgspec.structs.replace(part, data=data, mime=sent.mime, file_id="")
    return part


async def _image(part: ImagePart, path: str, uploads: Uploads, owner: str) -> ImagePart:
    if part.url.startswith(("http://", "https://")):
        return part
    if not part.url.startswith(PREFIX):
        raise InputError(
            f"{path} must begin with https://, http:// or upload:, or send the bytes as data.",
            field=path,
        )
    if part.data:
        raise InputError(f"{path}: give either data or url.", field=path)
    sent = _find(part.url.removeprefix(PREFIX), path, uploads, owner)
    data = await _bytes(sent, path)
    return msgspec.structs.replace(part, data=data, mime=sent.mime, url="")


def _find(id: str, path: str, uploads: Uploads, owner: str) -> Upload:
    try:
        return uploads.get(id, owner)
    except NotFoundError as error:
        error.field = path
        raise


async def _bytes(sent: Upload, path: str) -> bytes:
    if sent.size > LARGEST:
        raise TooLargeError(
            f"{path} refers to {sent.size} bytes, and {LARGEST // MIB} MiB are the most for a "
            "picture or a document.",
            field=path,
            data={"limit": LARGEST, "asked": sent.size},
        )
    return await asyncio.to_thread(sent.path.read_bytes)
