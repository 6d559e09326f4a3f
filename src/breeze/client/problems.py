"""What it means when a server does not answer with events, and what to do about it."""

from __future__ import annotations

import math

import msgspec

from breeze.contracts.errors import ProcessingError, RunnerError, UnavailableError, from_info
from breeze.contracts.unreadable import UNREADABLE
from breeze.contracts.values import ErrorInfo

_info = msgspec.json.Decoder(ErrorInfo)
_QUOTED = 200


class Unreachable(UnavailableError):
    """E501 that this side found: nobody answered there, or somebody who is no Breeze server."""


class Lost(Exception):
    """The connection broke while something was awaited from it; the text says how."""


def problem(url: str, status: int, retry_after: str, body: bytes) -> RunnerError:
    """The error in a response that is not a success."""
    try:
        return from_info(_info.decode(body))
    except UNREADABLE:
        return stranger(url, status, retry_after, body)


def stranger(url: str, status: int, retry_after: str, body: bytes) -> Unreachable:
    """Whoever answered is not a Breeze server: a proxy in between, or another product."""
    return Unreachable(
        f"{url} answered {status}, but not as a Breeze server does{_words(body)}. Check the "
        "address (BREEZE_URL), and any proxy between here and `breeze serve`.",
        retryable=status in (429, 502, 503, 504),
        retry_after=_seconds(retry_after),
        data={"status": status},
    )


def _words(body: bytes) -> str:
    """What an OpenAI-shaped error says, or that the answer is a web page."""
    try:
        found = msgspec.json.decode(body)
        message = found["error"]["message"]
    except (*UNREADABLE, KeyError, TypeError):
        return " (a web page)" if body.lstrip()[:1] == b"<" else ""
    return f" (it says: {str(message)[:_QUOTED]!r})"


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds; a date or nonsense is as good as nothing."""
    try:
        wait = float(retry_after)
    except ValueError:
        return None
    return wait if math.isfinite(wait) and wait >= 0 else None


def nobody(url: str) -> Unreachable:
    """Nothing listens there."""
    return Unreachable(f"There is no Breeze server at {url}: run `breeze serve`.")


def unanswered(url: str, why: str) -> Unreachable:
    """The connection was lost before an answer began."""
    return Unreachable(
        f"The connection to {url} was lost before it answered ({why}). Send the request again."
    )


def cut(url: str, delivered: int, why: str, remedy: str) -> ProcessingError:
    """The connection was lost after an answer began, and the rest cannot be had."""
    return ProcessingError(
        f"The answer of {url} was cut after {delivered} events ({why}). {remedy}",
        detail="cut",
        delivered=delivered,
    )
