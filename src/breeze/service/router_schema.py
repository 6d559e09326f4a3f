"""The frames of the router as JSON Schema, and its socket as an AsyncAPI document."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.router import API_MINOR, API_VERSION
from breeze.contracts.router_frames import SHAPES, ErrorFrame, Method, PushFrame

TITLE = "Breeze router"
PATH = "/v2/router"
_DEFS = "#/$defs/"
_SCHEMAS = "#/components/schemas/"
_MESSAGES = "#/channels/router/messages/"
_ID = {
    "description": "Chosen by the client; the answer repeats it.",
    "anyOf": [
        {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        {"type": "string", "maxLength": 128},
        {"type": "null"},
    ],
    "default": None,
}


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of every frame; `ClientFrame` and `ServerFrame` name the directions.

    In msgpack frames the same holds, with bytes where a text has `contentEncoding` base64.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{TITLE}, frames of version {API_VERSION}.{API_MINOR}",
        "anyOf": [{"$ref": f"{_DEFS}ClientFrame"}, {"$ref": f"{_DEFS}ServerFrame"}],
        "$defs": _definitions(_DEFS),
    }


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0: one channel, an operation for each method and its answer, and the pushes."""
    messages = {}
    operations: dict[str, Any] = {}
    for method in Method:
        call, answer = _title(method, "Call"), _title(method, "Result")
        messages[call] = _message(call, f"Calls {method}.")
        messages[answer] = _message(answer, f"The answer to {method}.")
        operations[method.value] = {
            "action": "receive",
            "channel": {"$ref": "#/channels/router"},
            "messages": [{"$ref": _MESSAGES + call}],
            "reply": {
                "channel": {"$ref": "#/channels/router"},
                "messages": [{"$ref": _MESSAGES + name} for name in (answer, "ErrorFrame")],
            },
        }
    messages["ErrorFrame"] = _message("ErrorFrame", "The call was not done.")
    messages["PushFrame"] = _message("PushFrame", "A response for the listener.")
    operations["onResponse"] = {
        "action": "send",
        "channel": {"$ref": "#/channels/router"},
        "messages": [{"$ref": f"{_MESSAGES}PushFrame"}],
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": TITLE,
            "version": f"{API_VERSION}.{API_MINOR}.0",
            "description": "JSON in text frames, msgpack in binary frames; same shapes.",
        },
        "defaultContentType": "application/json",
        "channels": {"router": {"address": PATH, "messages": messages}},
        "operations": operations,
        "components": {"schemas": _definitions(_SCHEMAS)},
    }


def _message(name: str, summary: str) -> dict[str, Any]:
    return {"name": name, "summary": summary, "payload": {"$ref": _SCHEMAS + name}}


def _title(method: Method, what: str) -> str:
    return f"{method.value[0].upper()}{method.value[1:]}{what}"


def _definitions(prefix: str) -> dict[str, Any]:
    results = [shape.result for shape in SHAPES.values() if shape.result is not None]
    types = [*(shape.params for shape in SHAPES.values()), *results, ErrorFrame, PushFrame]
    refs, found = msgspec.json.schema_components(types, ref_template=f"{prefix}{{name}}")
    by_type = dict(zip(types, refs, strict=True))
    calls, answers = [], []
    for method, shape in SHAPES.items():
        params = by_type[shape.params]
        found[_title(method, "Call")] = _call(method, params, found, prefix)
        calls.append({"$ref": prefix + _title(method, "Call")})
        result = {"type": "null"} if shape.result is None else by_type[shape.result]
        found[_title(method, "Result")] = _result(method, result)
        answers.append({"$ref": prefix + _title(method, "Result")})
    found["ClientFrame"] = {"anyOf": calls}
    others = [{"$ref": f"{prefix}{name}"} for name in ("ErrorFrame", "PushFrame")]
    found["ServerFrame"] = {"anyOf": [*answers, *others]}
    return dict(sorted(found.items()))


def _call(
    method: Method, params: dict[str, Any], found: dict[str, Any], prefix: str
) -> dict[str, Any]:
    needed = found[params["$ref"].removeprefix(prefix)].get("required")
    return {
        "title": _title(method, "Call"),
        "type": "object",
        "properties": {"id": _ID, "method": {"const": method.value}, "params": params},
        "required": ["method", "params"] if needed else ["method"],
    }


def _result(method: Method, result: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": _title(method, "Result"),
        "type": "object",
        "properties": {"id": _ID, "result": result},
        "required": ["id", "result"],
    }
