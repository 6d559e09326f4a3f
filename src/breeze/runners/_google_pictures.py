"""Pictures that are named by URL: the vendor wants their bytes, so they are fetched, guarded."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from breeze.contracts.errors import InputError
from breeze.contracts.messages import ContentPart, ImagePart, Message
from breeze.contracts.requests import ChatRequest
from breeze.runners._fetch import EVERYWHERE, USUAL, Policy, check_number, fetch
from breeze.runners._google_parameters import GoogleParameters

_WEB = ("http://", "https://")


async def with_pictures(request: ChatRequest, p: GoogleParameters) -> ChatRequest:
    """`request` with the bytes of pictures on the web. Other addresses are the vendor's to read.

    Raises InputError when one cannot be fetched or may not be, TooLargeError.
    """
    usual = EVERYWHERE if p.fetch_images == "any" else USUAL
    policy = usual._replace(types=("image/",)) if p.fetch_images != "off" else None
    named = [i for m in request.messages for i in m.images if i.url.startswith(_WEB)]
    if not named:
        return request
    check_number(len(named), "messages")
    turns = (_turn(m, f"messages[{i}]", policy) for i, m in enumerate(request.messages))
    return replace(request, messages=tuple(await asyncio.gather(*turns)))


async def _turn(message: Message, path: str, policy: Policy | None) -> Message:
    if not message.images:
        return message
    parts = (_part(p, f"{path}.content[{i}]", policy) for i, p in enumerate(message.content))  # type: ignore[arg-type]
    return replace(message, content=tuple(await asyncio.gather(*parts)))


async def _part(part: ContentPart, path: str, policy: Policy | None) -> ContentPart:
    if not isinstance(part, ImagePart) or not part.url.startswith(_WEB):
        return part
    if policy is None:
        text = f"{path} is a URL, and fetch_images is off here: send the picture itself."
        raise InputError(text, field=path)
    found = await fetch(part.url, path, policy)
    return replace(part, data=found.data, mime=found.mime, url="")
