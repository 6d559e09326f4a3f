"""How Google's interfaces name what went wrong: a status word, and details with types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from breeze.contracts.errors import CancelledError
from breeze.runners._http_error_words import (
    BUSY,
    CONTEXT,
    DOWN,
    FORBIDDEN,
    INPUT,
    KEY,
    MODEL,
    QUOTA,
    RATE,
    SLOW,
    Kind,
    Says,
)

_STOPPED = Kind(CancelledError, "Ask again.")
_LONG = re.compile(r"token count .*exceeds|exceeds the maximum number of tokens", re.I | re.S)
_BILL = re.compile(r"\bbilling\b|\bprepay|\bcredits?\b", re.I)
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


def _details(found: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    """The details of a type."""
    for detail in found.get("details") or ():
        if isinstance(detail, Mapping) and str(detail.get("@type", "")).endswith(f".{kind}"):
            yield detail


def _judge(found: Mapping[str, Any], status: int) -> Kind | None:
    """A wrong key looks like a wrong request here, a day's quota like too many requests."""
    for detail in _details(found, "ErrorInfo"):
        reason = str(detail.get("reason", ""))
        if reason in ("API_KEY_INVALID", "API_KEY_EXPIRED"):
            return KEY
        if reason.startswith("API_KEY_") or reason == "SERVICE_DISABLED":
            return FORBIDDEN
    for detail in _details(found, "QuotaFailure"):
        for violation in detail.get("violations") or ():
            if "PerDay" in str(violation):
                return QUOTA
    message = str(found.get("message") or "")
    if found.get("status") == "FAILED_PRECONDITION":
        return QUOTA if _BILL.search(message) else FORBIDDEN
    if found.get("status") == "INVALID_ARGUMENT" and _LONG.search(message):
        return CONTEXT
    return None


def _wait(found: Mapping[str, Any]) -> float | None:
    """Seconds after which to ask again; the body says it, no header does."""
    for detail in _details(found, "RetryInfo"):
        if said := _SECONDS.fullmatch(str(detail.get("retryDelay", ""))):
            return min(float(said[1]), 86_400.0)
    return None


SAYS = Says(
    words={
        "unauthenticated": KEY, "permission_denied": FORBIDDEN, "not_found": MODEL,
        "invalid_argument": INPUT, "out_of_range": INPUT, "aborted": BUSY, "cancelled": _STOPPED,
        "resource_exhausted": RATE, "unavailable": BUSY, "deadline_exceeded": SLOW,
        "internal": DOWN, "unknown": DOWN,
    },
    names=("status",),
    judge=_judge,
    wait=_wait,
)  # fmt: skip
