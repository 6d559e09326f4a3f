"""OpenAI's moderations: our verdicts under its category names, and ours beside them.

`flagged` is true when one of its categories is, and when our guardian blocks the text for a
reason that has no name there (its `breeze` object says which).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from breeze.contracts.answers import Moderation
from breeze.contracts.dialects.openai_json import BreezeJson
from breeze.contracts.dialects.openai_media import image_part
from breeze.contracts.dialects.openai_message_json import ImagePartJson, Strict, TextPartJson
from breeze.contracts.errors import InputError
from breeze.contracts.messages import ContentPart, Message, TextPart
from breeze.contracts.request import AUTO
from breeze.contracts.requests import ModerateRequest
from breeze.contracts.strict import read_strict

MOST_INPUTS = 2048
CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/intent", "self-harm/instructions", "sexual",
    "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
"""Every name that OpenAI has."""
THEIRS = {
    "VIOLENCE": "violence",
    "SELF_HARM": "self-harm",
    "HATE_SPEECH": "hate",
    "HATE": "hate",
    "SEXUAL_CONTENT": "sexual",
    "SEXUAL": "sexual",
    "TOXICITY": "harassment",
    "UNSAFE_CONTENT": "illicit",
    "UNSAFE": "illicit",
}
"""Our guardians' names, in capitals, and what OpenAI calls the same. PII and SPAM it has not."""
_LOOKED_FOR = frozenset(THEIRS.values())
NAMES = {"text": "input", "messages": "input", "messages[0].content": "input"} | {
    name: f"breeze.{name}" for name in ("strictness", "categories")
}
"""Our names of fields that have another one here."""


class ModerateBreezeJson(BreezeJson):
    """Our own fields of a moderation, which OpenAI has no names for."""

    strictness: Literal["low", "medium", "high"] = "medium"
    categories: tuple[str, ...] = ()


class ModerationBody(Strict):
    """A request: a text, texts, or the parts of one message."""

    input: str | list[str | TextPartJson | ImagePartJson]
    model: str = AUTO
    breeze: ModerateBreezeJson | None = None


def moderate_from_json(body: dict[str, Any]) -> tuple[ModerateRequest, ...]:
    """One request for each text, or one for all parts. Raises InputError with the field's path."""
    asked = read_strict(body, ModerationBody)
    ours = msgspec.structs.asdict(asked.breeze) if asked.breeze is not None else {}
    if isinstance(asked.input, str):
        return (ModerateRequest(text=asked.input, model=asked.model, **ours),)
    if not 0 < len(asked.input) <= MOST_INPUTS:
        raise InputError(f"input: must hold 1 to {MOST_INPUTS} texts or parts.", field="input")
    texts = [text for text in asked.input if isinstance(text, str)]
    if len(texts) == len(asked.input):
        return tuple(ModerateRequest(text=text, model=asked.model, **ours) for text in texts)
    message = Message("user", tuple(_part(part, i) for i, part in enumerate(asked.input)))
    return (ModerateRequest(messages=(message,), model=asked.model, **ours),)


def _part(part: str | TextPartJson | ImagePartJson, index: int) -> ContentPart:
    path = f"input[{index}]"
    if isinstance(part, str):
        raise InputError(f"{path}: is a text among parts: give one or the other.", field=path)
    if isinstance(part, TextPartJson):
        return TextPart(part.text)
    return image_part(part.image_url, f"{path}.image_url.url")


def result_json(verdict: Moderation, kinds: Iterable[str] = ("text",)) -> dict[str, Any]:
    """The result of one request. `kinds` of input were judged: text, image."""
    scores = _scores(verdict)
    found = {name: scores.get(name, 0.0) for name in CATEGORIES}
    flags = {name: name in scores for name in CATEGORIES}
    judged = list(kinds)
    return {
        "flagged": bool(scores) or verdict.status == "BLOCKED",
        "categories": flags,
        "category_scores": found,
        "category_applied_input_types": {
            name: judged if name in _LOOKED_FOR or name in scores else [] for name in CATEGORIES
        },
        "breeze": {
            "status": verdict.status,
            "risk": verdict.risk,
            "action": verdict.action,
            "categories": verdict.categories,
            "unmapped": [c for c in verdict.categories if _their_name(c) is None],
            "filtered_text": verdict.filtered_text,
            "findings": verdict.findings,
        },
    }


def _their_name(category: str) -> str | None:
    """What OpenAI calls a category of ours; a name of its own stays."""
    return category if category in CATEGORIES else THEIRS.get(category.upper())


def _scores(verdict: Moderation) -> dict[str, float]:
    """The score of each of OpenAI's categories that was found: its gravest finding."""
    found: dict[str, float] = {}
    for category in verdict.categories:
        if (name := _their_name(category)) is not None:
            own = [f.score for f in verdict.findings if f.category == category]
            found[name] = max(found.get(name, 0.0), max(own, default=verdict.risk))
    return found
