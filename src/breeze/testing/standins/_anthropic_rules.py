"""What Anthropic's server refuses, and in which words."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

from breeze.testing.standins._call import Call
from breeze.testing.standins._reply import Reply, event

Json = dict[str, Any]
NEW, OLD = "2026-10-21", "2023-06-01"
SAMPLING = ("temperature", "top_p", "top_k")
KNOWN = {
    "model", "max_tokens", "messages", "system", "stop_sequences", "stream", "tools",
    "tool_choice", "thinking", "output_config", "metadata", "service_tier", "speed",
    "cache_control", "container", "inference_geo", *SAMPLING,
}  # fmt: skip
PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")

ERRORS: dict[str, tuple[int, str, str]] = {
    "authentication": (401, "authentication_error", "invalid api key"),
    "permission": (403, "permission_error", "Your key has no permission for this resource."),
    "quota": (429, "rate_limit_error", "This organisation has reached its spend limit."),
    "rate_limit": (429, "rate_limit_error", "This request would exceed your rate limit."),
    "invalid_input": (400, "invalid_request_error", "messages: the request is not as it should"),
    "context": (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    "not_found": (404, "not_found_error", "model: no such thing"),
    "timeout": (504, "timeout_error", "The request took too long."),
    "network": (502, "api_error", "Bad gateway."),
    "model_not_loaded": (529, "overloaded_error", "Overloaded."),
    "overloaded": (529, "overloaded_error", "Overloaded."),
    "internal": (500, "api_error", "Internal server error."),
}
"""Status, type and message of each kind."""


def error(kind: str, number: int, message: str = "") -> Json:
    """The error object."""
    _, word, usual = ERRORS.get(kind, ERRORS["internal"])
    said: Json = {"type": word, "message": message or usual}
    if kind == "quota":
        said["details"] = {"error_code": "enforced_spend_limit_reached"}
    return {"type": "error", "error": said, "request_id": f"req_{number}"}


def refused(kind: str, number: int, message: str = "") -> Reply:
    """The error as an answer."""
    status = ERRORS.get(kind, ERRORS["internal"])[0]
    reply = Reply.json(error(kind, number, message), status).having(request_id=f"req_{number}")
    if kind != "rate_limit":
        return reply
    reset = {"anthropic_ratelimit_requests_reset": "2026-11-21T12:00:00Z"}
    return reply.having(retry_after="1", anthropic_ratelimit_requests_remaining="0", **reset)


def failed(kind: str, number: int) -> bytes:
    """The error amid a stream."""
    return event(error(kind, number), "error")


def complaints(call: Call, sampling: bool) -> Iterator[str]:
    """All that is wrong with a request for a message. `sampling`: the model takes its fields."""
    body, version = call.json, call.headers.get("anthropic-version", "")
    if version not in (NEW, OLD):
        yield f"anthropic-version: {version or 'is required'}"
    for name in body:
        if name not in KNOWN:
            yield f"{name}: Extra inputs are not permitted"
    for name in SAMPLING:
        if name in body and (version == NEW or not sampling):
            yield f"{name}: is not supported"
    if not isinstance(body.get("max_tokens"), int):
        yield "max_tokens: Field required"
    if not body.get("messages"):
        yield "messages: at least one message is required"
        return
    for index, message in enumerate(body["messages"]):
        yield from _turn(message, f"messages.{index}", version)
    yield from _unanswered(body["messages"])
    last = body["messages"][-1]
    if last["role"] == "assistant" and re.search(r"\s$", text_of(last["content"])):
        yield "messages: final assistant content cannot end with trailing whitespace"
    yield from _thinking(body)


def _thinking(body: Json) -> Iterator[str]:
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if not 1024 <= budget < body.get("max_tokens", 0):
            yield "thinking.budget_tokens: at least 1024, and less than max_tokens"


def _turn(message: Json, path: str, version: str) -> Iterator[str]:
    role = message.get("role")
    if role not in ("user", "assistant", *(["system"] if version == NEW else [])):
        yield f"{path}.role: unexpected {role!r}"
    content = message.get("content")
    if not content:
        yield f"{path}: content must not be empty"
    if isinstance(content, str):
        return
    for place, block in enumerate(content or ()):
        for wrong in _block(block, role == "assistant", version):
            yield f"{path}.content.{place}{wrong}"


def _block(block: Json, spoken: bool, version: str) -> Iterator[str]:
    kind, source = block.get("type"), block.get("source") or {}
    if kind == "text" and not block.get("text"):
        yield ": text content blocks must be non-empty"
    if kind == "text" and block.get("citations") and version == NEW:
        yield ".citations: must be empty"
    if kind == "document" and spoken and version == NEW:
        yield ": documents belong to the user"
    if kind == "thinking" and not signed(block):
        yield ".signature: invalid signature in thinking block"
    media = source.get("media_type") if source.get("type") == "base64" else PICTURES[0]
    if kind == "image" and media not in PICTURES:
        yield f".source.media_type: unexpected {media!r}"


def _unanswered(messages: list[Json]) -> Iterator[str]:
    """Every use of a tool has its result in the very next turn."""
    for index, message in enumerate(messages):
        asked = {b["id"] for b in blocks(message["content"]) if b["type"] == "tool_use"}
        following = messages[index + 1]["content"] if index + 1 < len(messages) else []
        told = {b["tool_use_id"] for b in blocks(following) if b["type"] == "tool_result"}
        if missing := sorted(asked - told):
            yield f"messages.{index}: tool_use ids without tool_result: {', '.join(missing)}"


def blocks(content: Any) -> list[Json]:
    """Content as blocks."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


def text_of(content: Any) -> str:
    """The text of content, results of tools included."""
    said = (text_of(b.get("content")) if b["type"] == "tool_result" else b.get("text", "")
            for b in blocks(content))  # fmt: skip
    return " ".join(filter(None, said))


def sign(thought: str) -> str:
    """What proves a thought; not secret here."""
    return base64.b64encode(hashlib.sha256(thought.encode()).digest()).decode()


def signed(block: Json) -> bool:
    """Whether a block of thinking is as it was made. What was not shown is proven by any."""
    thought = block.get("thinking", "")
    return bool(block.get("signature")) and (not thought or block["signature"] == sign(thought))
