"""What is asked of the server: the tasks of a request, each with an id that says what it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import DrawRequest
from breeze.runners._runware_parameters import RunwareParameters
from breeze.runners._runware_wishes import MODEL, wrong_model, wrong_size

_FORMATS = {"png": "PNG", "jpeg": "JPG", "webp": "WEBP"}
_MOST_RESULTS = 20
_PROMPT = (2, 3000)
_MOST_STEPS, _MOST_GUIDANCE = 100, 50.0


@dataclass(frozen=True)
class Item:
    """One task: `count` pictures of prompt `prompt`, the first of them being its `first`th.

    `content`: what is asked, without how it is sent. `key` and `content` make its id, so that the
    same work asked for again is known by the server.
    """

    content: Mapping[str, Any]
    key: str
    prompt: int = 0
    first: int = 0
    count: int = 1

    @cached_property
    def digest(self) -> str:
        """Of what is asked: the same for the same wish, whoever has it."""
        return hashlib.sha256(msgspec.json.encode(self.content, order="sorted")).hexdigest()

    def uuid(self, tries: int = 0) -> str:
        """The id of its task, another one for each of the `tries`: a version 4 UUID by its form."""
        said = f"{self.key}\0{self.first}\0{self.digest}\0{tries}".encode()
        return str(UUID(bytes=hashlib.sha256(said).digest()[:16], version=4))


class Job(NamedTuple):
    """All tasks of a request, and what of it is not done as asked."""

    items: tuple[Item, ...]
    adjusted: tuple[Adjusted, ...]
    model: str


def drawing(request: DrawRequest, model: str, p: RunwareParameters) -> Job:
    """The tasks that draw, upscale or cut out. Raises InputError."""
    adjusted: list[Adjusted] = []
    if p.task == "draw":
        _known(model)
        content = _picture(request, model, p, adjusted)
    else:
        model = p.upscale_model if p.task == "upscale" else p.background_model
        content = _changed(request, model, p, adjusted)
    content |= {"outputType": "URL", "outputFormat": _FORMATS[request.format]}
    quality = p.output_quality
    if request.format != "png":
        content["outputQuality"] = quality
    if p.safety != "none":
        content["safety"] = {"checkContent": True, "mode": p.safety}
    return Job(tuple(_items(request, p, content)), tuple(adjusted), model)


def _items(request: DrawRequest, p: RunwareParameters, common: dict[str, Any]) -> Iterator[Item]:
    """As few tasks as hold all pictures, in order."""
    draws = p.task == "draw"
    most = _MOST_RESULTS if draws else 1
    for index, prompt in enumerate(request.prompts):
        key = request.keys[index] if request.keys else f"{request.id}:{index}"
        content = {"positivePrompt": _prompt(prompt, index), **common} if draws else common
        for first in range(0, request.count, most):
            count = min(most, request.count - first)
            results = {"numberResults": count} if draws else {}
            yield Item(content | results, key, index, first, count)


def _prompt(prompt: str, index: int) -> str:
    least, most = _PROMPT
    if not least <= len(prompt.strip()) <= most:
        raise InputError(
            f"prompts[{index}] has {len(prompt)} characters, must have {least} to {most}.",
            field=f"prompts[{index}]",
        )
    return prompt


def _picture(
    request: DrawRequest, model: str, p: RunwareParameters, adjusted: list[Adjusted]
) -> dict[str, Any]:
    usual = p.image_size
    size = request.size or usual
    if not p.any_size and (wrong := wrong_size(size)):
        raise InputError(
            f"size {wrong}, or set any_size where the model takes others.", field="size"
        )
    width, height = (int(side) for side in re.split("[xX]", size))
    content: dict[str, Any] = {
        "taskType": "imageInference",
        "model": model,
        "width": width,
        "height": height,
        "steps": _limited("steps", request.steps, _MOST_STEPS, adjusted) or p.steps,
        "CFGScale": p.guidance
        if request.guidance is None
        else _limited("guidance", request.guidance, _MOST_GUIDANCE, adjusted),
    }
    strength, source = p.strength, p.image
    more = {
        "negativePrompt": request.negative_prompt,
        "scheduler": p.scheduler,
        "seedImage": source,
        "strength": strength if source else None,
    }
    content |= {name: value for name, value in more.items() if value not in ("", None)}
    if request.seed is not None:
        content["seed"] = _seed(request.seed, adjusted)
    return content


def _changed(
    request: DrawRequest, model: str, p: RunwareParameters, adjusted: list[Adjusted]
) -> dict[str, Any]:
    """A task on a picture that there is. What only drawing knows is left out, and said."""
    factor = p.upscale_factor
    if not p.image:
        raise InputError(
            f"{p.task} needs a picture: give `image` (breeze draw --task {p.task} --image FILE).",
            field="image",
        )
    why = f"{p.task} takes its picture as it is"
    for name in ("size", "steps", "guidance", "seed", "negative_prompt"):
        if (value := getattr(request, name)) not in (None, ""):
            adjusted.append(Adjusted(name, value, None, why))
    if request.count > 1:
        raise InputError(f"count must be 1: {p.task} has one result.", field="count")
    upscale = p.task == "upscale"
    content: dict[str, Any] = {"taskType": "upscale" if upscale else "removeBackground"}
    content |= {"model": model, "inputs": {"image": p.image}}
    return content | ({"upscaleFactor": factor} if upscale else {})


def caption(prompt: str, image: str, key: str, p: RunwareParameters) -> Item:
    """The task that says what is in a picture. `image`: a data URI or a URL."""
    content: dict[str, Any] = {"taskType": "caption", "model": p.caption_model}
    content["inputs"] = {"image": image}
    return Item(content | ({"prompt": prompt} if prompt.strip() else {}), key)


def _known(model: str) -> None:
    if not MODEL.fullmatch(model):
        raise InputError(f"model {wrong_model(model)}.", field="model")


def _limited(name: str, asked: float | None, most: float, adjusted: list[Adjusted]) -> float | None:
    if asked is None or asked <= most:
        return asked
    adjusted.append(Adjusted(name, asked, most, f"the server takes at most {most:g}"))
    return most


def _seed(seed: int, adjusted: list[Adjusted]) -> int:
    """One that the server takes: from 1."""
    if 1 <= seed < 2**63:
        return seed
    used = seed % (2**63 - 1) + 1
    adjusted.append(Adjusted("seed", seed, used, "the server takes 1 to 2^63 - 1"))
    return used
