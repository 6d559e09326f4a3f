"""What is settled before a request is sent: is it sound, and can it travel at all."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from breeze.contracts.errors import InputError
from breeze.contracts.request import Request, check_sound
from breeze.contracts.requests import TranscribeRequest


def sendable(request: Request[Any]) -> None:
    """Raises InputError when `request` cannot go to a server at all."""
    if isinstance(request, TranscribeRequest) and request.live is not None:
        raise InputError(
            "A live source cannot be sent to a server: record it and send the bytes as audio, or "
            "use the embedded engine.",
            field="live",
        )


def admit(request: Request[Any], live: Container[str]) -> None:
    """Raises InputError that lists everything wrong with `request`."""
    sendable(request)
    check_sound(request, live)
