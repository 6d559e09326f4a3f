"""What is settled before a request runs: is it sound, how long may it take, what is set aside."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import msgspec

from breeze.config.model import GlobalSettings
from breeze.contracts.errors import DeadlineError, InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.request import Request
from breeze.contracts.requests import TranscribeRequest
from breeze.engine.stream import EventStream


def admit(request: Request[Any], live: Container[str]) -> None:
    """Raises InputError that lists everything wrong with `request`."""
    problems = list(request.problems())
    if request.id in live:
        problems.append(("id", "belongs to a request that is still running"))
    if problems:
        text = "; ".join(f"{field} {what}" for field, what in problems)
        raise InputError(f"{text}.", field=problems[0][0], data={"fields": dict(problems)})


def deadline_of(request: Request[Any], settings: GlobalSettings) -> float | None:
    """Seconds the whole answer may take: the request's own, else the configured ones."""
    if request.deadline is not None:
        return request.deadline
    if isinstance(request, TranscribeRequest) and request.live is not None:
        return None  # somebody may speak for as long as they like
    limit = settings.failover.deadline_ms or settings.default_timeout_ms
    return limit / 1000 if limit else None


def too_late(stream: EventStream[Any], deadline: float) -> None:
    """Stop a stream whose time is over."""
    stream.cancel(DeadlineError(f"The answer took longer than the {deadline:g} s it was given."))


def set_aside(request: Request[Any]) -> list[Adjusted]:
    """Fields that this engine does not act on, said aloud."""
    wanted = request.guardian
    if wanted is None or wanted.enabled is False:
        return []
    why = "this engine has no guardian checkpoint yet: send a ModerateRequest of your own"
    return [Adjusted("guardian", msgspec.to_builtins(wanted), None, why)]
