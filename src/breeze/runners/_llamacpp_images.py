"""The pictures of a conversation, as bytes that llama.cpp may be given."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from breeze.contracts.errors import InputError, TooLargeError
from breeze.contracts.messages import ImagePart, Message
from breeze.runners._fetch import EVERYWHERE, USUAL, Policy, check_number, fetch
from breeze.runners._image_form import image_form

_BYTES, _PIXELS, _MOST = 20_000_000, 50_000_000, 32
"""The most that a picture, and a conversation, may have."""
_READABLE = ("image/png", "image/jpeg", "image/gif")


async def with_pictures(
    messages: tuple[Message, ...], *, fetch_images: str, sees: bool
) -> tuple[Message, ...]:
    """The messages with the bytes of every picture, as they are for a model that sees none.

    `fetch_images`: off, public or any.

    Raises InputError for a picture that is none, or of a form that llama.cpp does not read, and
    for one that cannot be fetched; TooLargeError for too much. llama.cpp gets no URL: it would
    fetch whatever that names.
    """
    images = [image for message in messages for image in message.images]
    if not images or not sees:
        return messages
    if len(images) > _MOST:
        raise TooLargeError(
            f"messages: {len(images)} pictures are more than {_MOST}: send fewer.",
            field="messages",
            data={"limit": _MOST, "asked": len(images)},
        )
    check_number(sum(not image.data for image in images), "messages")
    policy = _policy(fetch_images)
    places = (_with(message, f"messages[{i}]", policy) for i, message in enumerate(messages))
    return tuple(await asyncio.gather(*places))


def _policy(choice: str) -> Policy | None:
    if choice == "off":
        return None
    usual = EVERYWHERE if choice == "any" else USUAL
    return usual._replace(limit=_BYTES, types=("image/",))


async def _with(message: Message, path: str, policy: Policy | None) -> Message:
    parts = list(message.parts)
    for i, part in enumerate(parts):
        if isinstance(part, ImagePart):
            parts[i] = await _picture(part, f"{path}.content[{i}]", policy)
    return replace(message, content=tuple(parts)) if message.images else message


async def _picture(image: ImagePart, field: str, policy: Policy | None) -> ImagePart:
    data = image.data
    if not data and policy is None:
        text = f"{field} is a URL, and fetch_images is off here: send the picture itself."
        raise InputError(text, field=field)
    if not data and policy is not None:
        data = (await fetch(image.url, field, policy)).data
    form = image_form(data)
    if form.mime not in _READABLE:
        raise InputError(f"{field}: is no PNG, JPEG or GIF: send it as one.", field=field)
    for what, limit, asked in (
        ("bytes", _BYTES, len(data)),
        ("pixels", _PIXELS, form.width * form.height),
    ):
        if asked > limit:
            raise TooLargeError(
                f"{field}: has {asked} {what}, the limit is {limit}: make it smaller.",
                field=field,
                data={"limit": limit, "asked": asked},
            )
    return replace(image, data=data, mime=form.mime, url="")
