"""How Anthropic names what went wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from breeze.runners._http_error_words import BUSY, INPUT, LARGE, MODEL, QUOTA, SLOW, Kind, Says

_SPENT = {"enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded"}
_MONEY = re.compile(r"credit balance|spend(?:ing)? limit|usage limits?\b", re.I)


def _judge(found: Mapping[str, Any], status: int) -> Kind | None:
    """Money that is used up looks like too many requests, or like a wrong one."""
    details = found.get("details")
    code = details.get("error_code") if isinstance(details, Mapping) else None
    if code in _SPENT:
        return QUOTA
    if found.get("type") == "invalid_request_error" and _MONEY.search(str(found.get("message"))):
        return QUOTA
    return None


SAYS = Says(
    words={
        "not_found_error": MODEL, "request_too_large": LARGE, "timeout_error": SLOW,
        "conflict_error": INPUT, "overloaded_error": BUSY,
    },
    judge=_judge,
)  # fmt: skip
