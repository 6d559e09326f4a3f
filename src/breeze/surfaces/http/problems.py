"""A failure as an answer: OpenAI's error object under /v1, our own `ErrorInfo` elsewhere."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from breeze.contracts import wire
from breeze.contracts.errors import CancelledError, RunnerError
from breeze.surfaces.http.reply import Dialect, Headers, Reply

TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_quota",
    403: "permission_error", 404: "invalid_request_error", 405: "invalid_request_error",
    409: "conflict_error", 413: "invalid_request_error", 415: "invalid_request_error",
    429: "rate_limit_error", 499: "cancelled", 503: "service_unavailable_error",
    504: "timeout_error",
}  # fmt: skip
"""OpenAI's `type` by status; for others it is whose fault it was."""
_CODES = {
    "E401": "invalid_api_key", "E402": "insufficient_quota", "E404": "model_not_found",
    "E413": "request_too_large", "E429": "rate_limit_exceeded", "E505": "server_is_overloaded",
    "G100": "content_policy_violation", "E302": "cancelled", "E301": "timeout",
    "E405": "unsupported_capability",
}  # fmt: skip
"""OpenAI's `code` for ours, where it has one."""

_OURS = {
    name: f"breeze.{name}"
    for name in ("runner", "session_id", "deadline", "strict", "params", "guardian")
}
"""Fields of a request that OpenAI has no name for are in an object of their own."""


def reply(error: RunnerError, dialect: Dialect, request_id: str = "") -> Reply:
    """`error` as a response, with its status, and Retry-After where waiting helps."""
    status = status_of(error)
    headers: Headers = [(b"x-request-id", request_id.encode())] if request_id else []
    wait = error.retry_after
    if wait is None and status in (429, 503) and error.retryable:
        wait = 1.0
    if wait is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(wait))).encode()))
    if not error.retryable and (status >= 500 or status in (408, 409, 429)):
        headers.append((b"x-should-retry", b"false"))  # official clients would try it again
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if allow := error.data.get("allow"):
        headers.append((b"allow", str(allow).encode()))
    if dialect == "native":
        info = msgspec.structs.replace(error.info(), status=status)
        return Reply(wire.encode(info), status=status, headers=headers)
    return Reply.json(openai_error(error), status=status, headers=headers)


def status_of(error: RunnerError) -> int:
    """The HTTP status; an error may carry one of its own as `data["status"]`."""
    return int(error.data.get("status", error.status))


def openai_error(error: RunnerError) -> dict[str, Any]:
    """OpenAI's error object, with ours beside it under `breeze`."""
    status = status_of(error)
    own = error.code == "E400" or error.detail == "unknown_route"
    code = error.detail if own else _CODES.get(error.code, error.code)
    return {
        "error": {
            "message": error.message,
            "type": TYPES.get(status, "invalid_request_error" if status < 500 else "server_error"),
            "param": _param(error.field),
            "code": code or None,
        },
        "breeze": {"code": error.code, "retryable": error.retryable, "delivered": error.delivered},
    }


def _param(field: str) -> str | None:
    """The path of a field as OpenAI's callers write it."""
    root = field.partition(".")[0]
    return (_OURS[root] + field[len(root) :] if root in _OURS else field) or None


def stopped() -> CancelledError:
    """What a request is told that the server's stop has overtaken."""
    return CancelledError(
        "The server is stopping and this request was not done in time. Send it again.",
        retryable=True,
        data={"status": 503},
    )
