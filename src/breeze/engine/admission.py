"""What is settled before a request runs: is it sound, how long may it take, what is set aside."""

from __future__ import annotations

from collections.abc import Container, Sequence
from math import inf
from typing import Any

import msgspec

from breeze.config.model import GlobalSettings
from breeze.contracts.events import Adjusted
from breeze.contracts.request import AUTO, Request, check_sound
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.service import Choice


def admit(request: Request[Any], live: Container[str]) -> None:
    """Raises InputError that lists everything wrong with `request`."""
    if request.id not in live and request.sound():
        return
    check_sound(request, live)


def deadline_of(request: Request[Any], configured: float) -> float:
    """Seconds the whole answer may take: the request's own, else those `configured`."""
    if request.deadline is not None:
        return request.deadline
    if type(request) is TranscribeRequest and request.live is not None:
        return inf  # somebody may speak for as long as they like
    return configured


def configured_deadline(settings: GlobalSettings) -> float:
    """Seconds for requests that say nothing of it."""
    limit = settings.failover.deadline_ms or settings.default_timeout_ms
    return limit / 1000 if limit else inf


def set_aside(request: Request[Any]) -> list[Adjusted]:
    """Fields that this engine does not act on, said aloud."""
    wanted = request.guardian
    if wanted is None or wanted.enabled is False:
        return []
    why = "this engine has no guardian checkpoint yet: send a ModerateRequest of your own"
    return [Adjusted("guardian", msgspec.to_builtins(wanted), None, why)]


def adjusted(
    request: Request[Any], choice: Choice, *, restarted: bool = False
) -> Sequence[Adjusted]:
    """What the caller asked for and does not get when `choice` answers.

    `restarted`: what depends on no choice was said before.
    """
    if choice.named and request.guardian is None:
        return ()
    adjusted = [] if restarted else set_aside(request)
    if not choice.named:
        why = "what was asked for could not answer"
        if request.runner:
            adjusted.append(Adjusted("runner", request.runner, choice.name, why))
        if request.model not in (AUTO, ""):
            adjusted.append(Adjusted("model", request.model, choice.model or choice.name, why))
    return adjusted
