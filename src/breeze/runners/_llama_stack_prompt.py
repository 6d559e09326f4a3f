"""What a request becomes before it is sent: with pictures fetched, or sources written out."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from breeze.contracts.errors import InputError
from breeze.contracts.messages import ContentPart, ImagePart, Message
from breeze.contracts.requests import ChatRequest
from breeze.runners._fetch import Policy, check_number, fetch
from breeze.runners._llama_stack_files import FIELD, Source

_PICTURES = Policy(types=("image/",))
_MOST = 32_000
"""Characters of sources that a prompt may hold."""


async def with_pictures(request: ChatRequest) -> ChatRequest:
    """The request with the bytes of the pictures that it names by address."""
    check_number(sum(bool(i.url) for m in request.messages for i in m.images), "messages")
    messages = await asyncio.gather(
        *(_seen(message, f"messages[{i}]") for i, message in enumerate(request.messages))
    )
    return replace(request, messages=tuple(messages))


async def _seen(message: Message, path: str) -> Message:
    if not any(image.url for image in message.images):
        return message
    parts: list[ContentPart] = []
    for j, part in enumerate(message.parts):
        if isinstance(part, ImagePart) and part.url.startswith(("https://", "http://")):
            found = await fetch(part.url, f"{path}.content[{j}]", _PICTURES)
            part = replace(part, url="", data=found.data, mime=found.mime)
        parts.append(part)
    return replace(message, content=tuple(parts))


def with_sources(request: ChatRequest, sources: list[Source]) -> ChatRequest:
    """The request with the text of the sources in front. Raises InputError for what is no text."""
    told, left = [], _MOST
    for source in sources:
        try:
            text = source.data.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(
                f"{source.name!r} is no text, and this server cannot search files: name a text.",
                field=FIELD,
            ) from None
        told.append(f"[{source.name}]\n{text[:left].strip()}")
        left = max(0, left - len(text))
    head = "Answer from these sources and name the ones you use.\n\n" + "\n\n".join(told)
    return replace(request, messages=(Message("system", head), *request.messages))
