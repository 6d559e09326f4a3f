"""The chat of the oldest servers: their own words for what OpenAI's chat says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from breeze.testing.standins._openai_chat import Json, Said, Style, said_to
from breeze.testing.standins._said import tokens

_REASONS = {"stop": "end_of_turn", "length": "out_of_tokens", "tool_calls": "end_of_message"}


def _said(body: Json) -> Said:
    sampling = body.get("sampling_params") or {}
    tools = [
        {"type": "function", "function": {"name": tool["tool_name"], "parameters": {
            "type": "object",
            "properties": {n: {"type": p["param_type"]} for n, p in tool["parameters"].items()},
        }}}
        for tool in body.get("tools") or ()
    ]  # fmt: skip
    asked = {
        "messages": [{**m, "content": _plain(m["content"])} for m in body["messages"]],
        "tools": tools, "tool_choice": body.get("tool_choice", "auto"),
        "max_tokens": sampling.get("max_tokens"), "stop": sampling.get("stop"),
    }  # fmt: skip
    return said_to(asked, Style())


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part["type"] == "text")


def _calls(said: Said) -> list[Json]:
    return [
        {"call_id": call["id"], "tool_name": call["function"]["name"],
         "arguments": msgspec.json.decode(call["function"]["arguments"]),
         "arguments_json": call["function"]["arguments"]}
        for call in said.calls
    ]  # fmt: skip


def _metrics(said: Said) -> list[Json]:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return [{"metric": name, "value": said.usage[name], "unit": None} for name in names]


def native_whole(body: Json) -> Json:
    """The answer in one object."""
    said = _said(body)
    message = {
        "role": "assistant", "content": said.text, "stop_reason": _REASONS[said.reason],
        "tool_calls": _calls(said),
    }  # fmt: skip
    return {"metrics": _metrics(said), "completion_message": message, "logprobs": None}


def native_events(body: Json) -> Iterator[Json]:
    """The answer in events."""
    said = _said(body)

    def one(kind: str, delta: Json, reason: str | None = None) -> Json:
        event = {"event_type": kind, "delta": delta, "logprobs": None, "stop_reason": reason}
        return {"metrics": _metrics(said) if reason else None, "event": event}

    yield one("start", {"type": "text", "text": ""})
    for word in tokens(said.text):
        yield one("progress", {"type": "text", "text": word})
    for call in _calls(said):
        yield one("progress", {"type": "tool_call", "tool_call": call, "parse_status": "succeeded"})
    yield one("complete", {"type": "text", "text": ""}, _REASONS[said.reason])
