"""Moderations: the text or the parts to judge, and the verdict on them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any, Literal

import msgspec

from breeze.contracts.dialects.openai_body import part_json
from breeze.contracts.dialects.openai_moderation_json import THEIRS
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import Adjusted, Finish, ModerateEvent, Verdict
from breeze.contracts.messages import ImagePart, TextPart
from breeze.contracts.requests import ModerateRequest
from breeze.contracts.values import Finding, Usage
from breeze.runners._http_json import encoded
from breeze.runners._json_answer import json_answer
from breeze.runners._openai_server import Server

Strictness = Literal["low", "medium", "high"]
_BLOCKS: Mapping[Strictness, tuple[bool, float]] = {
    "low": (False, 0.8), "medium": (True, 2.0), "high": (True, 0.4),
}  # fmt: skip
"""By strictness: whether the server's own flag blocks by itself, and from which score on any
category does (2: none)."""
_WARNS: Mapping[Strictness, float] = {"low": 2.0, "medium": 0.5, "high": 0.2}
"""From which score on a category that does not block is worth a warning; a flag always is."""
_NOTED = 0.01
"""Scores below are noise: they are no finding."""


class _Result(msgspec.Struct):
    """One result. Some servers tell scores without flags, some flags without scores."""

    flagged: bool | None = None
    categories: dict[str, bool | None] | None = None
    category_scores: dict[str, float | None] | None = None


class _Used(msgspec.Struct):
    """Tokens read, where the server counts them."""

    prompt_tokens: int | None = None


class _Answer(msgspec.Struct):
    """The whole answer."""

    results: list[_Result]
    model: str | None = None
    usage: _Used | None = None


async def judged(
    request: ModerateRequest, model: str, server: Server
) -> AsyncGenerator[ModerateEvent]:
    """The events of a request."""
    body = encoded(judged_body(request, model), "text")
    answer = await server.ask("/moderations", body, "text", whole=True)
    data = answer.body()
    server.found(answer, data, "text")  # an error is raised
    for event in verdict_of(data, request, answer.where):
        yield event


def judged_body(request: ModerateRequest, model: str) -> dict[str, Any]:
    """What to send. Without a model the server takes its own."""
    parts = [
        part
        for message in request.messages
        for part in message.parts
        if isinstance(part, TextPart | ImagePart)
    ]
    pictures = any(isinstance(part, ImagePart) for part in parts)
    given: Any = [_part(part) for part in parts] if pictures else request.whole_text
    return {"input": given, **({"model": model} if model else {})}


def _part(part: TextPart | ImagePart) -> dict[str, Any]:
    found = part_json(part)
    if "image_url" in found:
        found["image_url"].pop("detail", None)
    return found


def verdict_of(body: bytes, request: ModerateRequest, where: str) -> list[ModerateEvent]:
    """The events of an answer. Raises ProcessingError when it is none."""
    found: _Answer = json_answer(body, _Answer, where, "verdict")
    if not found.results:
        raise ProcessingError(f"{where} sent no verdict.", detail="malformed")
    seen = _Seen(found.results)
    events: list[ModerateEvent] = list(seen.unjudged(request))
    tokens = found.usage.prompt_tokens if found.usage is not None else None
    usage = Usage(prompt_tokens=tokens or 0, characters=len(request.whole_text))
    metadata = {"model_name": found.model} if found.model else None
    return [*events, seen.verdict(request), usage, Finish(metadata=metadata)]


class _Seen:
    """The gravest that the results say of each category."""

    def __init__(self, results: list[_Result]) -> None:
        self._scores: dict[str, float] = {}
        self._flags: dict[str, bool] = {}
        self._flagged = any(result.flagged for result in results)
        self._scored = any(result.category_scores for result in results)
        for result in results:
            for name, flag in (result.categories or {}).items():
                self._flags[name] = self._flags.get(name, False) or bool(flag)
            for name, score in (result.category_scores or {}).items():
                sound = min(1.0, max(0.0, score or 0.0))
                self._scores[name] = max(self._scores.get(name, 0.0), sound)

    def unjudged(self, request: ModerateRequest) -> Iterator[Adjusted]:
        """What of the request the server's answer has no place for."""
        known = {*self._scores, *self._flags}
        lost = [c for c in request.categories if not any(_is(c, name) for name in known)]
        if lost:
            kept = tuple(c for c in request.categories if c not in lost)
            why = f"this server does not judge {', '.join(lost)}"
            yield Adjusted("categories", request.categories, kept, why)
        if request.strictness != "medium" and not self._scored:
            yield Adjusted(
                "strictness", request.strictness, "medium", "this server tells no scores"
            )

    def verdict(self, request: ModerateRequest) -> Verdict:
        """What it comes to."""
        names = {*self._scores, *self._flags}
        if request.categories:
            names = {n for n in names if any(_is(c, n) for c in request.categories)}
        score = {n: self._scores.get(n, 1.0 if self._flags.get(n) else 0.0) for n in names}
        # Somebody whose categories all stay silent, but who flags, means all of it.
        nameless = self._flagged and not any(self._flags.values()) and not request.categories
        blocks = {n for n in names if self._blocks(n, score[n], request.strictness)}
        warns = {n for n in names - blocks
                 if self._flags.get(n) or score[n] >= _WARNS[request.strictness]}  # fmt: skip
        if blocks or nameless:
            status, action = "BLOCKED", "BLOCK"
        elif warns:
            status, action = "WARNING", "REVIEW"
        else:
            status, action = "SAFE", "NONE"
        graver = sorted(blocks | warns, key=lambda n: (-score[n], n))
        noted = sorted((n for n in names if score[n] >= _NOTED), key=lambda n: (-score[n], n))
        return Verdict(
            status,  # type: ignore[arg-type]  # one of the three above
            1.0 if nameless and not score else max(score.values(), default=0.0),
            tuple(graver),
            action,  # type: ignore[arg-type]  # one of the three above
            findings=tuple(Finding(name, score[name]) for name in noted),
        )

    def _blocks(self, name: str, score: float, strictness: Strictness) -> bool:
        by_flag, limit = _BLOCKS[strictness]
        flagged = self._flags.get(name, False)
        if not self._scored:
            return flagged
        if not self._flags:  # scores and nothing else: the middle is as good as a flag
            flagged = score >= 0.5
        return (flagged and (by_flag or score >= limit)) or (by_flag and score >= limit)


def _is(asked: str, name: str) -> bool:
    """Whether a category that was asked for is that of the server, or holds it."""
    wanted = THEIRS.get(asked.upper(), asked).lower().replace("_", "-")
    told = name.lower().replace("_", "-")
    return told == wanted or told.startswith(f"{wanted}/")
