"""The words with which servers name an error, and what each means here.

One table, so that a word seen anew is one line more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    CapabilityError,
    InputError,
    NotFoundError,
    NotLoadedError,
    OverloadedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    RunnerError,
    TooLargeError,
    UnavailableError,
)


class Kind(NamedTuple):
    """One meaning. `waits`: a hint when to try again belongs to it."""

    error: type[RunnerError]
    remedy: str = ""
    detail: str = ""
    field: str = ""
    waits: bool = False


class Says(NamedTuple):
    """How one vendor names its errors, beside what all do.

    `words`: machine words in lower case, with what each means there; `names`: the keys of an error
    whose values are such words, before the usual ones; `judge`: what an error with a status means
    by whatever else it holds, None for “read on”; `wait`: seconds to wait, where the body says it.
    """

    words: Mapping[str, Kind] = {}
    names: tuple[str, ...] = ()
    judge: Callable[[Mapping[str, Any], int], Kind | None] | None = None
    wait: Callable[[Mapping[str, Any]], float | None] | None = None


USUAL = Says()

KEY = Kind(AuthenticationError, "Set api_key to a valid key for this server.")
FORBIDDEN = Kind(
    AuthenticationError,
    "The key lacks the permission: ask for it, or use another.",
    detail="permission",
)
QUOTA = Kind(QuotaError, "Check the plan and the billing of the account.")
RATE = Kind(RateLimitError, "Wait, then try again.", waits=True)
CONTEXT = Kind(
    InputError,
    "Shorten the text, or choose a model with a larger context.",
    detail="context_length_exceeded",
    field="messages",
)
INPUT = Kind(InputError, "Change the request.")
MODEL = Kind(NotFoundError, "Run: breeze models", field="model")
ROUTE = Kind(NotFoundError, "Check base_url: it mostly ends in /v1.", field="base_url")
UNABLE = Kind(CapabilityError, "Choose another runner.")
LARGE = Kind(TooLargeError, "Send less.")
BLOCKED = Kind(BlockedError, "The server's content policy refused it.", detail="content_policy")
LOADING = Kind(NotLoadedError, "The model is still loading: try again soon.", waits=True)
BUSY = Kind(OverloadedError, "Try again soon.", waits=True)
DOWN = Kind(UnavailableError, "Try again later.", waits=True)
SLOW = Kind(UnavailableError, "Try again, or ask for less.", detail="timeout", waits=True)
FAILED = Kind(ProcessingError, "Send the request again.", detail="streaming")

WORDS: dict[str, Kind] = {
    "invalid_api_key": KEY, "missing_api_key": KEY, "authentication_error": KEY,
    "authenticationerror": KEY, "invalid_authentication": KEY, "unauthorized": KEY,
    "permission_error": FORBIDDEN, "permission_denied": FORBIDDEN, "forbidden": FORBIDDEN,
    "unsupported_country_region_territory": FORBIDDEN,
    "insufficient_quota": QUOTA, "credit_balance_exhausted": QUOTA, "billing_error": QUOTA,
    "billing_hard_limit_reached": QUOTA, "billing_not_active": QUOTA, "quota_exceeded": QUOTA,
    "payment_required": QUOTA,
    "rate_limit_exceeded": RATE, "rate_limit_error": RATE, "ratelimiterror": RATE,
    "slow_down": RATE, "too_many_requests": RATE, "tokens": RATE, "requests": RATE,
    "context_length_exceeded": CONTEXT, "exceed_context_size_error": CONTEXT,
    "string_above_max_length": CONTEXT,
    "model_not_found": MODEL, "notfounderror": MODEL,
    "content_policy_violation": BLOCKED, "moderation_blocked": BLOCKED,
    "not_supported_error": UNABLE, "notimplementederror": UNABLE,
    "server_is_overloaded": BUSY, "overloaded_error": BUSY, "engine_overloaded": BUSY,
    "server_error": DOWN, "api_error": DOWN, "internal_server_error": DOWN,
    "internalservererror": DOWN, "service_unavailable": DOWN,
    "invalid_request_error": INPUT, "badrequesterror": INPUT, "unprocessableentityerror": INPUT,
    "invalid_request": INPUT,
}  # fmt: skip
"""Machine words, as `code` or `type` of an error, in lower case."""

STATUS: dict[int, Kind] = {
    400: INPUT, 401: KEY, 402: QUOTA, 403: FORBIDDEN, 404: ROUTE, 405: ROUTE, 408: SLOW,
    409: INPUT, 413: LARGE, 415: INPUT, 422: INPUT, 429: RATE, 501: UNABLE, 503: DOWN, 504: SLOW,
    524: SLOW, 529: BUSY,
}  # fmt: skip
"""What a status says by itself. Others from 500 are `DOWN`, others from 400 are `INPUT`."""

_VAGUE = (INPUT, ROUTE, DOWN, RATE, FAILED)
"""Kinds that the text of the message may make more exact."""
_TEXTS = (
    (CONTEXT, re.compile(r"context (?:length|window|size)|maximum context|prompt is too long|"
                         r"exceeds? the available context", re.I)),
    (LOADING, re.compile(r"(?:loading|load) model|model (?:is |still )*loading", re.I)),
    (MODEL, re.compile(r"\bmodel\b.*\b(?:not found|not exist|unknown|no such|not available)|"
                       r"\b(?:unknown|no such|not found).*\bmodel\b", re.I)),
    (QUOTA, re.compile(r"insufficient (?:quota|credit|balance)|exceeded your current quota", re.I)),
)  # fmt: skip
"""The last resort: what servers without machine words say."""


def kind_of(found: Mapping[str, Any], status: int, says: Says = USUAL) -> Kind:
    """What an error means: by its vendor's own ways, its words, its status, and then its text."""
    if says.judge is not None and (kind := says.judge(found, status)) is not None:
        return kind
    words = [word.lower() for name in (*says.names, "code", "type", "error")
             if isinstance(word := found.get(name), str)]  # fmt: skip
    own = next((says.words[word] for word in words if word in says.words), None)
    if own is not None:
        return own
    kind = next((WORDS[word] for word in words if word in WORDS), None)
    if kind is None or (kind is INPUT and status) or (kind is DOWN and status >= 500):
        kind = STATUS.get(status) or _class_of(status)
    if kind in _VAGUE:
        text = str(found.get("message") or found.get("detail") or "")
        kind = next((exact for exact, pattern in _TEXTS if pattern.search(text)), kind)
    return kind


def _class_of(status: int) -> Kind:
    if status >= 500:
        return DOWN
    return INPUT if status >= 400 else FAILED
