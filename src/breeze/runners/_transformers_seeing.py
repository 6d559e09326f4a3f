"""A model that looks at pictures, loaded by Transformers, and its prompts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from breeze.contracts.errors import InputError, NotLoadedError, TooLargeError
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.runners._transformers_load import lacking
from breeze.runners._transformers_model import LanguageModel, Prompt, templated
from breeze.runners._transformers_parameters import TransformersParameters
from breeze.runners._vision_image import Limits, Picture
from breeze.runners._vision_request import Shown, fetched
from breeze.runners._vision_stop import Stop

_NEVER = Stop(lambda: False)


class SeeingModel(LanguageModel):
    """A loaded model that answers about pictures, or without any."""

    def _open(self, folder: Path) -> None:
        from transformers import AutoModelForImageTextToText, AutoProcessor

        if missing := lacking(folder, "PIL", "looks at pictures by Pillow", package="pillow"):
            raise missing
        self.processor: Any = self.reader(AutoProcessor)
        self.tokenizer: Any = getattr(self.processor, "tokenizer", None)
        if self.tokenizer is None or getattr(self.processor, "chat_template", None) is None:
            raise NotLoadedError(
                f"{folder.name} has no chat template, so it cannot be asked: choose one that was "
                "made for conversations.",
                retryable=False,
            )
        self.native: Any = self.weights(AutoModelForImageTextToText)
        self.stoppable(self.native)

    def look(self, request: ChatRequest, shown: list[Shown], p: TransformersParameters) -> Prompt:
        """The prompt with its pictures, which `shown` has with their bytes. Raises InputError."""
        turns = [_turn(m, f"messages[{i}]") for i, m in enumerate(request.messages)]
        if p.system_prompt and not any(turn["role"] == "system" for turn in turns):
            turns.insert(0, {"role": "system", "content": [_text(p.system_prompt)]})
        goes_on = p.prefill and turns[-1]["role"] == "assistant"
        text = templated(self.processor, turns, goes_on)
        given = self.processor(
            text=[text],
            images=[_opened(each, p) for each in shown] or None,
            add_special_tokens=False,
            return_tensors="pt",
        )
        return self._checked(given.to(dtype=self.native.dtype))


async def pictures(request: ChatRequest, p: TransformersParameters) -> list[Shown]:
    """All pictures of the conversation with their bytes. Raises InputError, TooLargeError."""
    found = [
        Shown(f"messages[{i}].images[{j}]", image)
        for i, message in enumerate(request.messages)
        for j, image in enumerate(message.images)
    ]
    if len(found) > p.max_images:
        raise TooLargeError(
            f"messages: {len(found)} pictures, the limit is {p.max_images}: send fewer, or let "
            "the operator raise max_images.",
            field="messages",
            data={"limit": p.max_images, "asked": len(found)},
        )
    return await fetched(found, p)


async def seen(model: SeeingModel, request: ChatRequest, p: TransformersParameters) -> Prompt:
    """The prompt of a conversation with pictures. Raises InputError, TooLargeError."""
    shown = await pictures(request, p)
    return await asyncio.to_thread(model.look, request, shown, p)


def _opened(shown: Shown, p: TransformersParameters) -> Any:
    from PIL import Image

    low = shown.image.detail == "low"
    limits = Limits(p.max_bytes, p.max_pixels)
    return Image.fromarray(Picture(shown.image.data, shown.field, limits, _NEVER, low=low).pixels)


def _turn(message: Message, path: str) -> dict[str, Any]:
    parts = [_part(part, message, f"{path}.content[{i}]") for i, part in enumerate(message.parts)]
    return {"role": message.role, "content": parts}


def _part(part: Any, message: Message, path: str) -> dict[str, str]:
    if isinstance(part, TextPart):
        return _text(part.text)
    if isinstance(part, ImagePart) and message.role == "user":
        return {"type": "image"}
    raise InputError(
        f"{path}: this model reads text, and pictures of users: leave it out.", field=path
    )


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}
