"""How each server of this protocol words what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]

KINDS: Mapping[str, tuple[int, str, str | None, str | None, str]] = {
    "authentication": (401, "invalid_request_error", "invalid_api_key", None,
                       "Incorrect API key provided."),
    "permission": (403, "invalid_request_error", "unsupported_country_region_territory", None,
                   "This region is not served."),
    "quota": (429, "insufficient_quota", "insufficient_quota", None,
              "You exceeded your current quota, please check your plan and billing details."),
    "rate_limit": (429, "requests", "rate_limit_exceeded", None,
                   "Rate limit reached for requests."),
    "invalid_input": (400, "invalid_request_error", None, "temperature",
                      "Invalid value for 'temperature'."),
    "context": (400, "invalid_request_error", "context_length_exceeded", "messages",
                "This model's maximum context length is 128 tokens."),
    "not_found": (404, "invalid_request_error", "model_not_found", "model",
                  "The model does not exist or you do not have access to it."),
    "timeout": (408, "timeout", None, None, "The request took too long."),
    "network": (502, "server_error", None, None, "The upstream could not be reached."),
    "model_not_loaded": (503, "unavailable_error", None, None, "Loading model"),
    "content_blocked": (400, "invalid_request_error", "content_policy_violation", None,
                        "The prompt was rejected by the safety system."),
    "overloaded": (503, "server_error", "server_is_overloaded", None,
                   "The server is currently overloaded."),
    "internal": (500, "server_error", None, None,
                 "The server had an error while processing the request."),
}  # fmt: skip
"""Status, type, code, param and words of each kind."""

_VLLM = {
    400: "BadRequestError", 404: "NotFoundError", 422: "UnprocessableEntityError",
    500: "InternalServerError",
}  # fmt: skip
_LLAMA = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
    404: "not_found_error", 500: "server_error", 503: "unavailable_error",
}  # fmt: skip
_STATUS_ROUTER = {"quota": 402, "content_blocked": 403, "overloaded": 529, "model_not_loaded": 503}
_TYPES_ROUTER = {
    "authentication": "authentication", "permission": "permission_denied",
    "quota": "payment_required", "rate_limit": "rate_limit_exceeded",
    "invalid_input": "invalid_request", "context": "context_length_exceeded",
    "not_found": "not_found", "timeout": "timeout", "network": "provider_unavailable",
    "model_not_loaded": "provider_unavailable", "overloaded": "provider_overloaded",
    "internal": "server",
}  # fmt: skip
_BLOCKED = {"reasons": ["violence"], "flagged_input": "…", "provider_name": "stand-in"}

Words = Callable[[str], tuple[int, Json]]
"""Status and body of each kind."""


def plain(kind: str) -> tuple[int, Json]:
    """As OpenAI itself."""
    status, type_, code, param, words = KINDS[kind]
    error = {"message": words, "type": type_, "param": param, "code": code}
    return status, {"error": error}


def vllm(kind: str) -> tuple[int, Json]:
    """The code is the status, the type a class name."""
    status, _, _, param, words = KINDS[kind]
    if status == 401:
        return status, {"error": "Unauthorized"}
    type_ = _VLLM.get(status, "InternalServerError")
    return status, {"error": {"message": words, "type": type_, "param": param, "code": status}}


def llamacpp(kind: str) -> tuple[int, Json]:
    """The code is the status, the type a word; figures beside a long prompt."""
    status, _, _, _, words = KINDS[kind]
    error: Json = {"code": status, "message": words, "type": _LLAMA.get(status, "server_error")}
    if kind == "context":
        error |= {"type": "exceed_context_size_error", "n_prompt_tokens": 300, "n_ctx": 128}
    return status, {"error": error}


def text(kind: str) -> tuple[int, Json]:
    """Nothing but a text."""
    status, *_, words = KINDS[kind]
    return status, {"error": words}


def detail(kind: str) -> tuple[int, Json]:
    """A text under another name."""
    status, *_, words = KINDS[kind]
    return status, {"detail": words}


def billed(kind: str) -> tuple[int, Json]:
    """A text, and 402 for a bill."""
    status, body = text(kind)
    return (402 if kind == "quota" else status), body


def router(kind: str) -> tuple[int, Json]:
    """A router's own: the code is the status, the kind stands in metadata."""
    status, *_, words = KINDS[kind]
    status = _STATUS_ROUTER.get(kind, status)
    metadata = _BLOCKED if kind == "content_blocked" else {"error_type": _TYPES_ROUTER[kind]}
    error = {"code": status, "message": words, "metadata": metadata}
    return status, {"error": error, "user_id": "user_standin"}
