"""What of a chat request a caption can answer: its last picture, and the question about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from breeze.contracts.dialects.openai_media import mime_of
from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import ImagePart
from breeze.contracts.requests import ChatRequest
from breeze.runners._unseen import unseen

_SEEN = ("image/png", "image/jpeg", "image/webp")
_LEFT_OUT = (
    "tools", "tool_choice", "parallel_tool_calls", "response_format", "temperature", "top_p",
    "top_k", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias",
    "logprobs", "top_logprobs", "reasoning_effort",
)  # fmt: skip
_DEFAULTS = {
    field.name: field.default if field.default is not msgspec.NODEFAULT else {}
    for field in msgspec.structs.fields(ChatRequest)
}


def picture_in(request: ChatRequest) -> ImagePart:
    """The last picture of the last message that has any, with its type. Raises InputError."""
    holding = [i for i, message in enumerate(request.messages) if message.images]
    if not holding:
        raise InputError("No message holds a picture: add one.", field="messages")
    place = holding[-1]
    image = request.messages[place].images[-1]
    if image.url:
        return image
    mime = mime_of(image.data)
    if mime not in _SEEN:
        field = f"messages[{place}].images[{len(request.messages[place].images) - 1}]"
        raise InputError(f"{field} is neither PNG, JPEG nor WebP.", field=field)
    return msgspec.structs.replace(image, mime=mime)


def question_in(request: ChatRequest) -> str:
    """What is asked about it: the last thing that the user said."""
    return next((m.text for m in reversed(request.messages) if m.role == "user" and m.text), "")


def unused(request: ChatRequest, model: str, free: Collection[str]) -> Iterator[Adjusted]:
    """All that a caption takes no notice of, said aloud."""
    why = "a caption has no such setting"
    for name in _LEFT_OUT:
        value = getattr(request, name)
        if value != _DEFAULTS[name]:
            yield Adjusted(name, msgspec.to_builtins(value), None, why)
    if request.n > 1:
        yield Adjusted("n", request.n, 1, "a picture has one caption")
    if request.model not in (*free, model):
        yield Adjusted("model", request.model, model, "captions are made by caption_model")
    if len(request.messages) > 1:
        why = "a caption answers the last question and follows no instructions"
        yield Adjusted("messages", len(request.messages), 1, why)
    yield from unseen(request)
    if sum(len(message.images) for message in request.messages) > 1:
        yield Adjusted("messages", "several pictures", "the last one", "one picture has a caption")
