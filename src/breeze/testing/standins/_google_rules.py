"""What Gemini's server refuses, and in which words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breeze.testing.standins._reply import Reply

Json = dict[str, Any]
_TYPE = "type.googleapis.com/google.rpc."
_SHUT = {"args", "response", "parametersJsonSchema", "parameters", "responseSchema",
         "responseJsonSchema", "labels"}  # fmt: skip
"""Fields whose content is the caller's own."""
KNOWN = {
    "contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent",
    "generationConfig", "serviceTier", "store", "labels",
}  # fmt: skip
SETTINGS = {
    "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences",
    "responseMimeType", "responseSchema", "responseJsonSchema", "seed", "presencePenalty",
    "frequencyPenalty", "responseLogprobs", "logprobs", "responseModalities", "speechConfig",
    "imageConfig", "thinkingConfig", "mediaResolution",
}  # fmt: skip
DATA = {
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode",
    "codeExecutionResult",
}  # fmt: skip
"""Of these a part has one."""
_LONG = "The input token count exceeds the maximum number of tokens allowed (1048576)."
ERRORS: dict[str, tuple[int, str, str]] = {
    "authentication": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "permission": (403, "PERMISSION_DENIED", "The caller does not have permission"),
    "quota": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    "rate_limit": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    "invalid_input": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "context": (400, "INVALID_ARGUMENT", _LONG),
    "not_found": (404, "NOT_FOUND", "models/unknown is not found for API version v1beta"),
    "timeout": (504, "DEADLINE_EXCEEDED", "The request timed out."),
    "network": (502, "UNAVAILABLE", "Bad gateway."),
    "model_not_loaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "internal": (500, "INTERNAL", "An internal error has occurred."),
}  # fmt: skip
"""Status, word and message of each kind."""


def error(kind: str, message: str = "", delay: str = "1s") -> Json:
    """The error object. Only what it tells sets a quota of a day apart from one of a minute."""
    status, word, usual = ERRORS.get(kind, ERRORS["internal"])
    found: Json = {"code": status, "message": message or usual, "status": word}
    details: list[Json] = []
    if kind == "authentication":
        info = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
        details.append({"@type": f"{_TYPE}ErrorInfo", **info})
    if kind in ("quota", "rate_limit"):
        span = "Day" if kind == "quota" else "Minute"
        violation = {"quotaId": f"GenerateRequestsPer{span}PerProjectPerModel", "quotaValue": "20"}
        details.append({"@type": f"{_TYPE}QuotaFailure", "violations": [violation]})
    if kind in ("quota", "rate_limit") and delay:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": delay})
    return {"error": found | ({"details": details} if details else {})}


def refused(kind: str, message: str = "", delay: str = "1s") -> Reply:
    """The error as an answer."""
    status = ERRORS.get(kind, ERRORS["internal"])[0]
    return Reply.json(error(kind, message, delay), status)


def camel(value: Any) -> Any:
    """The same with names in one spelling: both are taken, even mixed."""
    if isinstance(value, list):
        return [camel(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub(r"_([a-z])", lambda m: m[1].upper(), n): v for n, v in value.items()}
    return {n: v if n in _SHUT else camel(v) for n, v in named.items()}


def complaints(body: Json, signed: bool) -> Iterator[str]:
    """All that is wrong with a request. `signed`: calls need their signature."""
    for name in body:
        if name not in KNOWN:
            yield f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
    for name in body.get("generationConfig") or {}:
        if name not in SETTINGS:
            yield f"Unknown name {name!r} at 'generation_config': Cannot find field."
    if not body.get("contents"):
        yield "* GenerateContentRequest.contents: contents is not specified"
    for index, content in enumerate(body.get("contents") or ()):
        where = f"contents[{index}]"
        if content.get("role", "user") not in ("user", "model"):
            yield f"{where}: Please use a valid role: user, model."
        if not content.get("parts"):
            yield f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty."
        yield from _parts(content.get("parts") or [], where, signed)


def _parts(parts: list[Json], where: str, signed: bool) -> Iterator[str]:
    for place, part in enumerate(parts):
        if len(DATA & part.keys()) != 1:
            yield f"{where}.parts[{place}]: required oneof field 'data' must have one initialized"
    calls = [part for part in parts if "functionCall" in part]
    if signed and calls and not calls[0].get("thoughtSignature"):
        yield f"Function call is missing a thought_signature in functionCall parts ({where})."
