"""A chat request as the server takes it, and what had to be adjusted on the way."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from breeze.contracts.dialects.openai import ChatBody, chat_body
from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import ResponseFormat
from breeze.contracts.requests import ChatRequest
from breeze.runners._http_json import encoded
from breeze.runners._openai_shape import Shape
from breeze.runners._openai_wire import Wire

_COUNTED = {"include_usage": True}
_DEFAULTS = {
    field.name: () if field.default is msgspec.NODEFAULT else field.default
    for field in msgspec.structs.fields(ChatRequest)
}
_DEFAULTS["logit_bias"] = {}
_WITH_IT: dict[str, dict[str, Any]] = {
    "tools": {"tool_choice": "auto"}, "logprobs": {"top_logprobs": 0},
}  # fmt: skip
"""What means nothing without a field that is left out."""
_WHY = "this server does not take it"
_MOST_STOPS = 4


Prepared = tuple[bytes, list[Adjusted], Shape | None]


def prepare(request: ChatRequest, model: str, wire: Wire) -> Prepared:
    """The body that asks `model`, what was adjusted, and the shape that the answer's text needs.

    It asks for a stream unless only the whole answer is of use.
    """
    adjusted: list[Adjusted] = []
    if not wire.plain:
        request = _known_only(request, wire, adjusted)
    body = chat_body(request, model, wire.limit_field)
    if not request.whole:
        body.stream = True
        if wire.usage:
            body.stream_options = _COUNTED
    if wire.plain:
        return encoded(body, "messages"), adjusted, None
    begun = _begun(request, wire)
    shape = None
    if begun or wire.think:
        shape = Shape(think=wire.think, given=begun, sure=wire.prefill.endswith("_echo"))
    return encoded(_reworded(body, wire, begun), "messages"), adjusted, shape


def _begun(request: ChatRequest, wire: Wire) -> str:
    """The text of the assistant that is to be continued; "" when none is."""
    last = request.messages[-1] if request.messages else None
    return last.text if wire.prefill and last is not None and last.role == "assistant" else ""


def _known_only(request: ChatRequest, wire: Wire, adjusted: list[Adjusted]) -> ChatRequest:
    """`request` without what the server does not take."""
    changes: dict[str, Any] = {}
    for name in wire.without:
        if (change := _CHANGES.get(name, _left_out)(request, name)) is not None:
            adjusted.append(change[0])
            changes |= change[1]
    if not wire.reasoning and any(message.reasoning for message in request.messages):
        why = "this server takes no reasoning of earlier answers"
        adjusted.append(Adjusted("messages.reasoning", True, False, why))
        kept = tuple(replace(message, reasoning="") for message in request.messages)
        changes["messages"] = kept
    return replace(request, **changes) if changes else request


_Change = tuple[Adjusted, dict[str, Any]] | None


def _left_out(request: ChatRequest, name: str) -> _Change:
    value, usual = getattr(request, name), _DEFAULTS[name]
    if value == usual:
        return None
    shown = [tool.name for tool in value] if name == "tools" else value
    return Adjusted(name, shown, usual, _WHY), {name: usual, **_WITH_IT.get(name, {})}


def _any_object(request: ChatRequest, _: str) -> _Change:
    wanted = request.response_format
    if wanted is None or wanted.kind != "json_schema":
        return None
    note = Adjusted("response_format", "json_schema", "json_object", "this server obeys no schema")
    return note, {"response_format": ResponseFormat("json_object")}


def _few_stops(request: ChatRequest, _: str) -> _Change:
    if len(request.stop) <= _MOST_STOPS:
        return None
    kept, why = request.stop[:_MOST_STOPS], f"this server takes {_MOST_STOPS} at most"
    return Adjusted("stop", request.stop, kept, why), {"stop": kept}


_CHANGES = {"json_schema": _any_object, "stop_over_4": _few_stops}


def _reworded(body: ChatBody, wire: Wire, begun: str) -> ChatBody | dict[str, Any]:
    """The body as this server words it."""
    usual = wire.reasoning in ("reasoning_content", "") and wire.seed_field == "seed"
    if usual and not wire.more and not begun:
        return body
    try:
        found: dict[str, Any] = msgspec.to_builtins(body)
    except UnicodeEncodeError as error:
        raise InputError(
            f"messages: is no Unicode text: {error.reason}.", field="messages"
        ) from error
    if "seed" in found:
        found[wire.seed_field] = found.pop("seed")
    for message in found["messages"]:
        if wire.reasoning and "reasoning_content" in message:
            message[wire.reasoning] = message.pop("reasoning_content")
    if begun and wire.prefill in ("prefix", "prefix_echo"):
        found["messages"][-1]["prefix"] = True
    elif begun and wire.prefill == "flags":
        found |= {"continue_final_message": True, "add_generation_prompt": False}
    return merged(found, wire.more)


def merged(body: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """`body` with more fields; of two objects the fields are joined. `body` is not changed."""
    found = dict(body)
    for name, value in more.items():
        old = found.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            value = merged(old, value)
        found[name] = value
    return found
