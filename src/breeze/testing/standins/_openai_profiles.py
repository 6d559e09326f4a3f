"""Where the servers that speak this protocol differ: ids, fields, errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from breeze.testing.standins._openai_chat import CREATED, Json, Style
from breeze.testing.standins._reply import Reply, event

MODEL = "parrot-1"
Errors = Literal["openai", "vllm", "llamacpp", "text", "router"]
_OPENAI: Mapping[str, tuple[int, str, str | None, str | None]] = {
    "authentication": (401, "invalid_request_error", "invalid_api_key", None),
    "permission": (403, "invalid_request_error", "unsupported_country_region_territory", None),
    "quota": (429, "insufficient_quota", "insufficient_quota", None),
    "rate_limit": (429, "requests", "rate_limit_exceeded", None),
    "invalid_input": (400, "invalid_request_error", None, "temperature"),
    "context": (400, "invalid_request_error", "context_length_exceeded", "messages"),
    "not_found": (404, "invalid_request_error", "model_not_found", "model"),
    "timeout": (408, "timeout", None, None),
    "network": (502, "server_error", None, None),
    "model_not_loaded": (503, "unavailable_error", None, None),
    "content_blocked": (400, "invalid_request_error", "content_policy_violation", None),
    "overloaded": (503, "server_error", "server_is_overloaded", None),
    "internal": (500, "server_error", None, None),
}
"""Status, type, code and param of each kind."""
_WORDS = {
    "authentication": "Incorrect API key provided.",
    "permission": "This region is not served.",
    "quota": "You exceeded your current quota, please check your plan and billing details.",
    "rate_limit": "Rate limit reached for requests.",
    "invalid_input": "Invalid value for 'temperature'.",
    "context": "This model's maximum context length is 128 tokens.",
    "not_found": "The model does not exist or you do not have access to it.",
    "timeout": "The request took too long.",
    "network": "The upstream could not be reached.",
    "model_not_loaded": "Loading model",
    "content_blocked": "The prompt was rejected by the safety system.",
    "overloaded": "The server is currently overloaded.",
    "internal": "The server had an error while processing the request.",
}
_VLLM = {400: "BadRequestError", 404: "NotFoundError", 500: "InternalServerError"}
_LLAMA = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
    404: "not_found_error", 500: "server_error", 503: "unavailable_error",
}  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """One server's ways."""

    chat: Style = field(default_factory=Style)
    errors: Errors = "openai"
    id: str = "chatcmpl-"
    model: str = MODEL
    facts: Mapping[str, Any] = field(default_factory=dict)
    """More fields of every chat answer."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """More fields of a model in the list."""
    base64: bool = True
    done: bool = True
    comments: tuple[bytes, ...] = ()

    def models(self) -> Json:
        item = {"id": self.model, "object": "model", "created": CREATED, "owned_by": "stand-in"}
        return {"object": "list", "data": [item | dict(self.more)]}

    def refusal(self, kind: str, key: str) -> Reply:
        status = self._status(kind)
        headers = {"retry_after": "1"} if status in (429, 503) and kind != "quota" else {}
        return Reply.json(self.error(kind), status).having(x_request_id="req_refused", **headers)

    def broken(self, kind: str, facts: Json) -> bytes:
        return event(self.error(kind))

    def error(self, kind: str) -> Json:
        """The body of a refusal."""
        _, type_, code, param = _OPENAI[kind]
        words, status = _WORDS[kind], self._status(kind)
        if self.errors == "vllm":
            if status == 401:
                return {"error": "Unauthorized"}
            type_ = _VLLM.get(status, "InternalServerError")
            return {"error": {"message": words, "type": type_, "param": param, "code": status}}
        if self.errors == "llamacpp":
            return {"error": {"code": status, "message": words, "type": _llama(kind, status)}}
        if self.errors == "text":
            return {"error": words}
        return {"error": {"message": words, "type": type_, "param": param, "code": code}}

    def _status(self, kind: str) -> int:
        return _OPENAI[kind][0]


def _llama(kind: str, status: int) -> str:
    return "exceed_context_size_error" if kind == "context" else _LLAMA.get(status, "server_error")


PROFILES: dict[str, Profile] = {
    "openai": Profile(facts={"service_tier": "default", "system_fingerprint": "fp_standin"}),
}
