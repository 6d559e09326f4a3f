"""A chat request as the server takes it, and what had to be adjusted on the way."""

from __future__ import annotations

from msgspec.structs import replace

from breeze.contracts.dialects.openai import chat_body
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import ChatRequest
from breeze.runners._http_json import encoded
from breeze.runners._openai_parameters import OpenAIParameters

_COUNTED = {"include_usage": True}


def prepare(
    request: ChatRequest, model: str, parameters: OpenAIParameters, at_home: bool
) -> tuple[bytes, list[Adjusted]]:
    """The body that asks `model`. It asks for a stream unless only the whole answer is of use.

    `at_home`: the server is OpenAI's own, which refuses what it does not know.
    """
    adjusted: list[Adjusted] = []
    if at_home:
        request = _known_only(request, adjusted)
    limit = parameters.limit_field
    if limit == "auto":
        limit = "max_completion_tokens" if at_home else "max_tokens"
    body = chat_body(request, model, limit)
    if not request.whole:
        body.stream = True
        if parameters.usage:
            body.stream_options = _COUNTED
    return encoded(body, "messages"), adjusted


def _known_only(request: ChatRequest, adjusted: list[Adjusted]) -> ChatRequest:
    if request.top_k is not None:
        why = "this server has no such setting"
        adjusted.append(Adjusted("top_k", request.top_k, None, why))
        request = replace(request, top_k=None)
    if any(message.reasoning for message in request.messages):
        why = "this server takes no reasoning of earlier answers"
        adjusted.append(Adjusted("messages.reasoning", True, False, why))
        kept = tuple(replace(message, reasoning="") for message in request.messages)
        request = replace(request, messages=kept)
    return request
