"""Pictures, and what is allowed to be said."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from breeze.testing.standins._call import Call
from breeze.testing.standins._media import picture
from breeze.testing.standins._openai_chat import CREATED, Json
from breeze.testing.standins._reply import Reply, event
from breeze.testing.standins._said import flagged, tokens

_AUTO = "64x64"
_TRIGGERS: Mapping[str, str] = {
    "harassment": "idiot", "harassment/threatening": "threat", "hate": "hate",
    "hate/threatening": "exterminate", "illicit": "steal", "illicit/violent": "bomb",
    "self-harm": "suicide", "self-harm/intent": "end my life",
    "self-harm/instructions": "how to cut", "sexual": "porn", "sexual/minors": "child porn",
    "violence": "kill", "violence/graphic": "blood",
}  # fmt: skip
"""The word that makes each category true."""


def generated(body: Json) -> Reply:
    """Pictures of one colour, which follows from the prompt."""
    return _drawn(body, "image_generation")


def edited(call: Call) -> Reply:
    """The same from a form; what the given pictures hold counts too."""
    given = [p.data for p in call.form if p.name in ("image", "image[]", "mask")]
    body: Json = {p.name: p.text for p in call.form if not p.filename}
    body["prompt"] = f"{body['prompt']} {sum(map(len, given))}"
    body["stream"] = body.get("stream") == "true"
    numbers = {n: int(body[n]) for n in ("n", "partial_images") if n in body}
    return _drawn(body | numbers, "image_edit")


def _drawn(body: Json, prefix: str) -> Reply:
    size = body.get("size") or "auto"
    width, height = map(int, (_AUTO if size == "auto" else size).split("x"))
    form = body.get("output_format") or "png"
    made = [
        base64.b64encode(picture(f"{body['prompt']} {i}", width, height, form)).decode()
        for i in range(body.get("n") or 1)
    ]
    facts = {
        "background": body.get("background") or "opaque", "output_format": form,
        "quality": body.get("quality") or "low", "size": f"{width}x{height}",
    }  # fmt: skip
    if body.get("stream"):
        return _streamed(body, made, facts, prefix)
    data = [{"b64_json": image} for image in made]
    usage = _usage(body, len(made))
    return Reply.json({"created": CREATED, "data": data, **facts, "usage": usage})


def _streamed(body: Json, made: list[str], facts: Json, prefix: str) -> Reply:
    events: list[Json] = []
    for i in range(body.get("partial_images") or 0):
        told = {"type": f"{prefix}.partial_image", "partial_image_index": i}
        events.append(told | {"b64_json": made[0], "created_at": CREATED, **facts})
    for image in made:
        told = {"type": f"{prefix}.completed", "b64_json": image, "created_at": CREATED}
        events.append(told | facts | {"usage": _usage(body, len(made))})
    return Reply.sse([event(e, e["type"]) for e in events], end=b"")


def _usage(body: Json, count: int) -> Json:
    words = len(tokens(body["prompt"]))
    details = {"image_tokens": 0, "text_tokens": words}
    spent = 100 * count
    used = {"input_tokens": words, "output_tokens": spent, "total_tokens": words + spent}
    return used | {"input_tokens_details": details}


def moderated(body: Json, number: int) -> Reply:
    """A verdict on each text, by trigger words; several parts are judged as one."""
    given: Any = body["input"]
    texts = [given] if isinstance(given, str) else given
    parts = [t for t in texts if isinstance(t, dict)]
    if parts:
        texts = [" ".join(p.get("text", "") for p in parts)]
    kinds = sorted({p["type"].removesuffix("_url") for p in parts} or {"text"})
    model = body.get("model") or "omni-moderation-latest"
    results = [_result(text, kinds) for text in texts]
    return Reply.json({"id": f"modr-{number}", "model": model, "results": results})


def _result(text: str, kinds: list[str]) -> Json:
    found = flagged(text, _TRIGGERS)
    return {
        "flagged": bool(found),
        "categories": {name: name in found for name in _TRIGGERS},
        "category_scores": {name: 0.97 if name in found else 0.01 for name in _TRIGGERS},
        "category_applied_input_types": dict.fromkeys(_TRIGGERS, kinds),
    }
