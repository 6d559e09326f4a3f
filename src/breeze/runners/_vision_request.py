"""What of a chat request is answered by rule: the last pictures, the last question."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import msgspec

from breeze.contracts.errors import InputError, TooLargeError
from breeze.contracts.events import Adjusted, ChatEvent, TextDelta
from breeze.contracts.messages import ImagePart
from breeze.contracts.requests import ChatRequest
from breeze.runners._fetch import EVERYWHERE, USUAL, Policy, fetch
from breeze.runners._unseen import unseen

_WHY = {
    **dict.fromkeys(("temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty"),
        "answers are made by rule, nothing is sampled"),
    **dict.fromkeys(("logit_bias", "logprobs", "top_logprobs", "max_tokens"),
        "answers are made by rule, not of tokens"),
    **dict.fromkeys(("tools", "tool_choice", "parallel_tool_calls"), "it calls no tools"),
    "response_format": "it answers in plain text only",
    "reasoning_effort": "it does not reason",
    **dict.fromkeys(("n", "seed"), "each answer would be the same"),
}  # fmt: skip
_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(ChatRequest)}


class Fetching(Protocol):
    """From where pictures may be fetched (off, public, any), and how many bytes one may have."""

    @property
    def fetch_images(self) -> str: ...

    @property
    def max_bytes(self) -> int: ...


class Shown(NamedTuple):
    """A picture of the request and the path of its field."""

    field: str
    image: ImagePart


def shown(request: ChatRequest, most: int) -> list[Shown]:
    """The pictures of the last user message that has any.

    Raises InputError for no picture at all, TooLargeError for more than `most`.
    """
    with_images = [i for i, m in enumerate(request.messages) if m.role == "user" and m.images]
    if not with_images:
        raise InputError("No user message holds a picture: add one.", field="messages")
    i = with_images[-1]
    pictures = [Shown(f"messages[{i}].images[{j}]", image)
                for j, image in enumerate(request.messages[i].images)]  # fmt: skip
    if len(pictures) > most:
        raise TooLargeError(
            f"messages[{i}] holds {len(pictures)} pictures, the limit is {most}: "
            "send fewer or raise max_images.",
            field=f"messages[{i}].images[{most}]",
            data={"limit": most, "asked": len(pictures)},
        )
    return pictures


async def fetched(pictures: list[Shown], p: Fetching) -> list[Shown]:
    """The same with the bytes of those that were named by URL.

    Raises InputError when one cannot be fetched or may not be, TooLargeError.
    """
    policy = _policy(p)
    return await asyncio.gather(*(_fetched(picture, policy) for picture in pictures))


def _policy(p: Fetching) -> Policy | None:
    """From where pictures may be fetched, None when from nowhere."""
    if p.fetch_images == "off":
        return None
    usual = EVERYWHERE if p.fetch_images == "any" else USUAL
    return usual._replace(limit=p.max_bytes, types=("image/",))


async def _fetched(picture: Shown, policy: Policy | None) -> Shown:
    image, field = picture.image, picture.field
    if image.data:
        return picture
    if policy is None:
        text = f"{field} is a URL, and fetch_images is off here: send the picture itself."
        raise InputError(text, field=field)
    found = await fetch(image.url, field, policy)
    return picture._replace(image=msgspec.structs.replace(image, data=found.data, url=""))


def asked(request: ChatRequest) -> str:
    """The text of the last user message."""
    return next((m.text for m in reversed(request.messages) if m.role == "user"), "")


def adjustments(request: ChatRequest) -> Iterator[Adjusted]:
    """What is left out, each with the reason."""
    for name, why in _WHY.items():
        value, usual = getattr(request, name), _DEFAULTS[name]
        if value != (() if name == "tools" else {} if name == "logit_bias" else usual):
            yield Adjusted(name, _plain(value), 1 if name == "n" else None, why)
    if len(request.messages) > 1:
        why = "it answers the last question and follows no instructions"
        yield Adjusted("messages", len(request.messages), 1, why)
    yield from unseen(request)


def _plain(value: object) -> object:
    return msgspec.to_builtins(value)


def until(events: Iterable[ChatEvent], stops: tuple[str, ...]) -> Iterator[ChatEvent]:
    """The events with the text cut before the first stop text, in one piece if there are any."""
    if not stops:
        yield from events
        return
    text, held = "", list[ChatEvent]()
    for event in events:
        if isinstance(event, TextDelta):
            text += event.text
        elif text:
            held.append(event)
        else:
            yield event
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    yield TextDelta(text[: min(ends, default=len(text))])
    yield from held
