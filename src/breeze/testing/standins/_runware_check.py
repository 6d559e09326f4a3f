"""What the server says of a task that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
_AIR = re.compile(r"[a-z0-9-]+:[A-Za-z0-9._-]+@[A-Za-z0-9._-]+")
_SHORT = ("standin-", "bfl-", "flux-")
_COMMON = {
    "taskType", "taskUUID", "model", "deliveryMethod", "includeCost", "webhookURL", "ttl",
    "uploadEndpoint", "routing", "outputType", "outputFormat", "outputQuality", "safety",
}  # fmt: skip
_KNOWN: Mapping[str, set[str]] = {
    "imageInference": {
        "positivePrompt", "negativePrompt", "width", "height", "steps", "CFGScale", "scheduler",
        "seed", "numberResults", "seedImage", "maskImage", "strength", "referenceImages", "inputs",
        "lora", "controlNet", "clipSkip", "acceleration",
    },
    "upscale": {"inputs", "inputImage", "upscaleFactor", "settings", "targetMegapixels"},
    "removeBackground": {"inputs", "inputImage", "settings"},
    "caption": {"inputs", "inputImage", "inputImages", "prompt", "template"},
}  # fmt: skip
OLD_NAMES = {
    "imageUpscale": "upscale",
    "imageBackgroundRemoval": "removeBackground",
    "imageCaption": "caption",
}
"""Names of tasks that are still taken."""
_RANGES = (("width", 128, 2048, 64), ("height", 128, 2048, 64), ("steps", 1, 100, 1),
           ("CFGScale", 0, 50, 0), ("seed", 1, 2**63, 1), ("numberResults", 1, 20, 1),
           ("outputQuality", 20, 99, 1), ("strength", 0, 1, 0))  # fmt: skip
_CHOICES = {
    "outputType": ("URL", "base64Data", "dataURI"),
    "outputFormat": ("JPG", "PNG", "WEBP"),
    "deliveryMethod": ("sync", "async"),
    "upscaleFactor": (2, 3, 4),
}


def wrong(task: Json) -> Json | None:
    """The first thing that is wrong with a task, as an error; None when nothing is."""
    return next(_wrong(task), None)


def error(code: str, message: str, task: Json, parameter: str = "", **more: Any) -> Json:
    """An item of `errors`."""
    about = {"parameter": parameter} if parameter else {}
    return {
        "code": code,
        "message": message,
        **about,
        "type": "string",
        "documentation": "https://runware.ai/docs/errors",
        **{name: task[name] for name in ("taskType", "taskUUID") if name in task},
        **more,
    }


def _wrong(task: Json) -> Iterator[Json]:
    kind = OLD_NAMES.get(str(task["taskType"]), str(task["taskType"]))
    if kind not in _KNOWN:
        yield error("invalidTaskType", f"There is no task {kind!r}.", task, "taskType")
        return
    for name in task.keys() - _KNOWN[kind] - _COMMON:
        yield error("unsupportedParameter", f"{name} is not supported.", task, name)
    yield from _model(task, needed=kind == task["taskType"])
    if kind == "imageInference":
        yield from _prompt(task)
        for name in ("width", "height"):
            if name not in task and not task.get("seedImage"):
                yield error(f"missing{name.title()}", f"{name} is needed.", task, name)
    elif not (task.get("inputs") or task.get("inputImage") or task.get("inputImages")):
        yield error("missingInputImage", "A picture is needed.", task, "inputs.image")
    yield from _limits(task)


def _limits(task: Json) -> Iterator[Json]:
    for name, low, high, step in _RANGES:
        value = task.get(name)
        fits = isinstance(value, int | float) and low <= value <= high
        if value is not None and not (fits and not (step > 1 and value % step)):
            said = f"{name} must be {low} to {high}" + (f", by {step}" if step > 1 else "")
            yield error(f"invalid{name[0].upper()}{name[1:]}", said, task, name)
    for name, known in _CHOICES.items():
        if task.get(name) not in (None, *known):
            code = f"invalid{name[0].upper()}{name[1:]}"
            yield error(code, f"{name} is none of them.", task, name, allowedValues=known)


def _model(task: Json, *, needed: bool) -> Iterator[Json]:
    model = task.get("model")
    if model is None and needed:
        yield error("missingModel", "A model is needed.", task, "model")
    elif model is not None and not _AIR.fullmatch(model) and not model.startswith(_SHORT):
        yield error("modelNotFound", f"There is no model {model}.", task, "model")


def _prompt(task: Json) -> Iterator[Json]:
    prompt = task.get("positivePrompt")
    if prompt is None:
        yield error("missingPositivePrompt", "A prompt is needed.", task, "positivePrompt")
    elif not 2 <= len(prompt) <= 3000:
        said = "The prompt must have 2 to 3000 characters."
        yield error("invalidPositivePrompt", said, task, "positivePrompt")
