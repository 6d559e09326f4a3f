"""How servers of this protocol name their errors, beside what all do: gateways above all.

A gateway puts a word of its own into `metadata`, which says more than the status that it passes
on: what a model behind it refused, and what the gateway itself did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breeze.runners._http_error_words import (
    BLOCKED,
    BUSY,
    CONTEXT,
    DOWN,
    FAILED,
    FORBIDDEN,
    INPUT,
    KEY,
    LARGE,
    LOADING,
    MODEL,
    QUOTA,
    RATE,
    SLOW,
    Kind,
    Says,
)

_TYPES: dict[str, Kind] = {
    "context_length_exceeded": CONTEXT, "token_limit_exceeded": CONTEXT,
    "max_tokens_exceeded": INPUT, "string_too_long": CONTEXT,
    "authentication": KEY, "permission_denied": FORBIDDEN, "payment_required": QUOTA,
    "rate_limit_exceeded": RATE, "provider_overloaded": BUSY, "provider_unavailable": DOWN,
    "invalid_request": INPUT, "invalid_prompt": INPUT, "precondition_failed": INPUT,
    "unprocessable": INPUT, "not_found": MODEL, "payload_too_large": LARGE,
    "content_policy_violation": BLOCKED, "refusal": BLOCKED,
    "invalid_image": INPUT, "image_too_large": LARGE, "image_too_small": INPUT,
    "unsupported_image_format": INPUT, "image_not_found": INPUT, "image_download_failed": INPUT,
    "server": DOWN, "timeout": SLOW,
}  # fmt: skip
"""`metadata.error_type` of gateways. Others, `unmapped` among them, are read by their status."""

_WORDS: dict[str, Kind] = {
    "exceed_context_size_error": CONTEXT, "unavailable_error": LOADING,
    "rate_limit_error": RATE, "generation": FAILED, "incomplete_generation": FAILED,
    "overloaded": BUSY, "validation": INPUT, "model_not_available": MODEL,
    "json_validate_failed": FAILED, "tool_use_failed": FAILED,
    "model_decommissioned": MODEL, "insufficient_balance": QUOTA,
}  # fmt: skip
"""`code` and `type` of servers for open models, beside the usual ones."""


def _judge(error: Mapping[str, Any], status: int) -> Kind | None:
    told = error.get("metadata")
    metadata: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    if status == 402:
        # A cap on what is in flight passes by itself; no credits do not.
        return RATE if "in_flight" in str(metadata.get("limit_source") or "") else QUOTA
    if status == 403 and (metadata.get("reasons") or "flagged_input" in metadata):
        return BLOCKED
    kind = _TYPES.get(str(metadata.get("error_type") or ""))
    if kind is INPUT and status == 404:
        return MODEL
    return kind


SAYS = Says(words=_WORDS, names=("error_type",), judge=_judge)
"""For every server of this protocol: none says one of these words and means another thing."""
