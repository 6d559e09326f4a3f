"""OpenAI's image generation: the request, the whole answer, and the events of a stream."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from breeze.contracts.answers import Adjustment, FailedPicture, Picture
from breeze.contracts.dialects.openai_json import BreezeJson, Seed
from breeze.contracts.dialects.openai_message_json import Strict
from breeze.contracts.errors import InputError
from breeze.contracts.request import AUTO
from breeze.contracts.requests import DrawRequest
from breeze.contracts.strict import read_strict
from breeze.contracts.values import Usage

NAMES = {"prompts": "prompt", "count": "n", "format": "output_format"} | {
    name: f"breeze.{name}" for name in ("seed", "steps", "guidance", "negative_prompt")
}
"""Our names of fields that have another one here."""


class DrawBreezeJson(BreezeJson):
    """Our own fields of an image request, which OpenAI has no names for."""

    seed: Seed | None = None
    steps: int | None = None
    guidance: float | None = None
    negative_prompt: str = ""


class ImageBody(Strict):
    """A request for pictures."""

    prompt: Annotated[str, Meta(min_length=1, max_length=32_000)]
    model: str = AUTO
    n: Annotated[int, Meta(ge=1, le=10)] | None = None
    size: Annotated[str, Meta(pattern=r"^(auto|[0-9]{1,5}x[0-9]{1,5})$")] | None = None
    quality: str | None = None
    style: str | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    moderation: Literal["low", "auto"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: Annotated[int, Meta(ge=0, le=100)] | None = None
    response_format: Literal["b64_json", "url"] | None = None
    stream: bool | None = None
    partial_images: Annotated[int, Meta(ge=0, le=3)] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    breeze: DrawBreezeJson | None = None


def draw_from_json(body: dict[str, Any]) -> tuple[DrawRequest, tuple[Adjustment, ...]]:
    """The request, and what of the body has no effect. Raises InputError with the field's path."""
    asked = read_strict(body, ImageBody)
    if asked.response_format == "url":
        raise InputError(
            "response_format: pictures come as b64_json; this server keeps no files to link to.",
            field="response_format",
        )
    ours = msgspec.structs.asdict(asked.breeze) if asked.breeze is not None else {}
    if asked.size not in (None, "auto"):
        ours["size"] = asked.size
    request = DrawRequest(
        (asked.prompt,),
        model=asked.model,
        count=1 if asked.n is None else asked.n,
        format=asked.output_format or "png",
        **ours,
    )
    return request, tuple(_without_effect(asked))


def _without_effect(asked: ImageBody) -> list[Adjustment]:
    """What no runner here takes. `auto` leaves the choice to us, so it is as asked."""
    reasons = {
        "quality": "no runner here has levels of quality: set breeze.steps or breeze.params",
        "style": "no runner here has styles: say it in the prompt",
        "background": "pictures are opaque here",
        "moderation": "pictures are not moderated here",
        "output_compression": "the runner chooses the compression",
        "partial_images": "unfinished pictures are not sent",
    }
    used = {"background": "opaque", "partial_images": 0, "moderation": None}
    as_it_is = (None, "auto", "opaque", 0)
    return [
        Adjustment(name, value, used.get(name), why)
        for name, why in reasons.items()
        if (value := getattr(asked, name)) not in as_it_is
        or (name == "output_compression" and value is not None)
    ]


def picture_json(picture: Picture) -> dict[str, Any]:
    """One picture of a whole answer."""
    found: dict[str, Any] = {"b64_json": picture.data} if picture.data else {"url": picture.url}
    return found | {"breeze": {"seed": picture.seed, "cost": picture.cost}}


def failures_json(failures: tuple[FailedPicture, ...]) -> dict[str, Any]:
    """The pictures that could not be made while others were; nothing when there are none."""
    told = [
        {"code": lost.error.code, "message": lost.error.message, "number": lost.number}
        for lost in failures
    ]
    return {"failures": told} if told else {}


def facts_json(mime: str, width: int, height: int) -> dict[str, Any]:
    """How the pictures really are; `quality` is null because nobody chose one."""
    return {
        "background": "opaque",
        "output_format": mime.removeprefix("image/"),
        "quality": None,
        "size": f"{width}x{height}",
    }


def usage_json(usage: Usage | None) -> dict[str, Any]:
    """OpenAI's usage of pictures; zeros when nothing is known."""
    used = usage or Usage()
    return {
        "input_tokens": used.prompt_tokens,
        "output_tokens": used.completion_tokens,
        "total_tokens": used.total_tokens,
        "input_tokens_details": {"text_tokens": used.prompt_tokens, "image_tokens": 0},
    }
