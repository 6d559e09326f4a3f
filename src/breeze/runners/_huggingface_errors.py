"""How this vendor says that something went wrong, and when to come back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from breeze.contracts.errors import RateLimitError, RunnerError
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._http_answer import Answer
from breeze.runners._http_error_words import (
    BLOCKED,
    FAILED,
    LOADING,
    MODEL,
    QUOTA,
    UNABLE,
    Kind,
    Says,
)
from breeze.runners._http_errors import refusal, reported

_RESET = re.compile(r"\bt\s*=\s*(\d{1,6})")
_POLICY = re.compile(r"content policy|nsfw|safety", re.I)
_TASK = re.compile(r"(?:task|pipeline).*(?:not supported|unsupported|unknown)", re.I)


def _judge(found: Mapping[str, Any], status: int) -> Kind | None:
    text = str(found.get("error") or found.get("message") or "")
    if status == 503 and ("estimated_time" in found or "loading" in text.lower()):
        return LOADING
    if status in (400, 404) and _TASK.search(text):
        return UNABLE
    if status == 400 and _POLICY.search(text):
        return BLOCKED
    return {402: QUOTA, 404: MODEL, 424: FAILED}.get(status)


def _wait(found: Mapping[str, Any]) -> float | None:
    """The seconds until a model will be loaded, as older servers say it."""
    seconds = found.get("estimated_time")
    return float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 86_400 else None


SAYS = Says(judge=_judge, wait=_wait)


async def refused(answer: Answer, secrets: tuple[str, ...], field: str) -> RunnerError:
    """The error that an answer stands for. A `RateLimit` header says when to come back."""
    said = answer.header("ratelimit")
    error = await refusal(answer, secrets=secrets, field=field, says=SAYS)
    reset = _RESET.search(said)
    if isinstance(error, RateLimitError) and error.retry_after is None and reset is not None:
        error.retry_after = float(reset[1])
    return error


def raise_if_error(body: bytes, answer: Answer, secrets: tuple[str, ...], field: str) -> None:
    """Raise what the body of an answer of status 200 says that went wrong, if it does."""
    if body.lstrip()[:1] != b"{":
        return
    try:
        said = msgspec.json.decode(body)
    except UNREADABLE:
        return
    if said.get("error"):
        raise reported(said, answer, secrets=secrets, field=field, says=SAYS)
