"""What a request becomes before it is sent: with pictures fetched, or sources written out."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from msgspec.structs import replace

from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
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


class Written(NamedTuple):
    """A request with sources in its prompt: how many, and what to say of the rest."""

    request: ChatRequest
    used: int
    adjusted: tuple[Adjusted, ...] = ()


def with_sources(request: ChatRequest, sources: list[Source]) -> Written:
    """The request with the text of the sources in front. Raises InputError for what is no text."""
    told, left, whole = [], _MOST, 0
    for source in sources:
        try:
            text = source.data.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise InputError(
                f"{source.name!r} is no text, and this server cannot search files: name a text.",
                field=FIELD,
            ) from None
        if part := text[:left]:
            told.append(f"[{source.name}]\n{part}")
        whole, left = whole + len(text), left - len(part)
    head = "Answer from these sources and name the ones you use.\n\n" + "\n\n".join(told)
    request = replace(request, messages=(Message("system", head), *request.messages))
    if whole <= _MOST:
        return Written(request, len(told))
    why = "a prompt holds no more of sources: name fewer or shorter ones"
    note = Adjusted(FIELD, f"{whole} characters", f"the first {_MOST}", why)
    return Written(request, len(told), (note,))
