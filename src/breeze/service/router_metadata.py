"""The metadata of responses. Every value is text: numbers and lists are JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from breeze.contracts.answers import ChatAnswer, Moderation, Result, Speech, Transcription
from breeze.contracts.errors import RunnerError
from breeze.contracts.router import MetadataKey

MEANINGS: Mapping[str, str] = {
    # every COMPLETED
    MetadataKey.MODEL_NAME: "the model that answered",
    MetadataKey.PROCESSING_TIME_MS: "from acceptance to the end, in milliseconds",
    MetadataKey.TOKEN_COUNT: "tokens of the answer, when the runner counts them",
    MetadataKey.RUNTIME_BACKEND: "CPU, GPU or NPU; left out for a service somewhere else",
    "runner": "the instance that answered",
    "requested_runner": "the runner or runner type the client named, when it named one",
    "decision": "the id under which `explain` says why",
    "mock": "`true` when a mock answered",
    "finish_reason": "stop, length, tool_calls or content_filter",
    "prompt_tokens": "tokens of the request",
    "adjustments": "JSON list of `{field, asked, used, why}`: what was not used as asked",
    "attempts": "JSON list of the runners that were tried first and failed",
    "engine_request_id": "the id of this request in the engine's own routes and logs",
    # ERROR
    "error_code": "our code: E400, E302, G100, …",
    "field": "the field that is wrong",
    "fields": "JSON object of every field that is wrong",
    "retryable": "`true` when the same request may succeed later",
    "retry_after": "seconds to wait first",
    "detail": "what kind of failure",
    # STREAMING
    "restarted": "`true`: withdraw all text of this request; the answer begins again",
    "redacted": "`true`: replace the characters from `start` to `end` by `replacement`",
    "reasoning": "the next piece of the model's reasoning",
    "tool_call": "JSON of the next piece of a tool call",
    "hypothesis": "what the present segment of speech sounds like so far",
    "stage": "what is being done before there is output",
    # whole answers
    "tool_calls": "JSON list of the calls the model wants made",
    "segments": "JSON list of what was said, with times in seconds",
    "language": "the language heard",
    "duration": "seconds of sound",
    "safety_status": "SAFE, WARNING or BLOCKED",
    "risk_score": "0 to 1",
    "risk_categories": "JSON list",
    "action": "NONE, REVIEW or BLOCK",
    "filtered_text": "the text with the offending parts masked",
}
"""What this service fills in; a runner's own keys (`contracts.metadata`) come beside them."""


def text_of(value: Any) -> str:
    """A value as metadata carry it."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    """A mapping as metadata carry it; what is empty or unknown is left out."""
    return {k: text_of(v) for k, v in (values or {}).items() if v not in (None, "", (), [], {})}


def whole(result: Result) -> dict[str, str]:
    """What there is to say about a whole answer."""
    found = dict(result.metadata or {}) | {
        MetadataKey.MODEL_NAME: result.model,
        "runner": result.runner,
        "decision": result.decision,
        "mock": result.mock or None,
        "finish_reason": result.finish_reason,
        "attempts": result.attempts,
    }
    if result.usage is not None:
        found["prompt_tokens"] = result.usage.prompt_tokens or None
        if isinstance(result, ChatAnswer):
            found[MetadataKey.TOKEN_COUNT] = result.usage.completion_tokens
    return texts(found | _specific(result))


def _specific(result: Result) -> dict[str, Any]:
    if isinstance(result, ChatAnswer):
        return {"tool_calls": result.tool_calls, "reasoning": result.choices[0].reasoning}
    if isinstance(result, Transcription):
        found = {"segments": result.segments, "language": result.language}
        return found | {"duration": result.duration}
    if isinstance(result, Speech):
        return {"duration": result.duration}
    if isinstance(result, Moderation):
        return {
            "safety_status": result.status,
            "risk_score": result.risk,
            "risk_categories": result.categories,
            "action": result.action,
            "filtered_text": result.filtered_text,
        }
    return {}


def failure(error: RunnerError) -> dict[str, str]:
    """What there is to say about a failure."""
    return texts(
        {
            "error_code": error.code,
            "field": error.field,
            "fields": error.data.get("fields"),
            "detail": error.detail,
            "retryable": error.retryable,
            "retry_after": error.retry_after,
            "runner": error.runner,
            MetadataKey.MODEL_NAME: error.model,
            "attempts": error.attempts,
        }
    )
