"""The Responses API: text, and calls of functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breeze.testing.standins._openai_chat import CREATED, Json, Said, Style, said_to
from breeze.testing.standins._reply import Reply, event
from breeze.testing.standins._said import tokens

_PARTS = {"input_text": "text", "output_text": "text"}


def responded(body: Json, number: int) -> Reply:
    """The answer to one request, whole or as a stream."""
    said = said_to(_as_chat(body), Style())
    answer = _object(body, said, number)
    if not body.get("stream"):
        return Reply.json(answer)
    events = _events(answer)
    numbered = ({"type": e["type"], "sequence_number": i} | e for i, e in enumerate(events))
    return Reply.sse([event(e, e["type"]) for e in numbered], end=b"")


def _as_chat(body: Json) -> Json:
    """The same request in the words of chat."""
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    messages = [_message(item) for item in items]
    if body.get("instructions"):
        messages.insert(0, {"role": "system", "content": body["instructions"]})
    form = (body.get("text") or {}).get("format") or {}
    asked = {"json_schema": form} if form.get("type") == "json_schema" else {}
    functions = [t for t in body.get("tools") or () if t["type"] == "function"]
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, dict):
        choice = {"function": {"name": choice.get("name")}}
    return {
        "messages": messages,
        "max_tokens": body.get("max_output_tokens"),
        "tools": [{"type": "function", "function": tool} for tool in functions],
        "tool_choice": choice,
        "response_format": {"type": form.get("type", "text"), **asked},
    }


def _message(item: Json) -> Json:
    if item.get("type") == "function_call_output":
        return {"role": "tool", "content": item["output"]}
    content = item.get("content") or ""
    if isinstance(content, list):
        content = [_part(part) for part in content]
    return {"role": item.get("role", "assistant"), "content": content}


def _part(part: Json) -> Json:
    if part["type"] == "input_image":
        return {"type": "image_url", "image_url": {"url": part["image_url"]}}
    return {"type": _PARTS.get(part["type"], part["type"]), "text": part.get("text", "")}


def _object(body: Json, said: Said, number: int) -> Json:
    cut = said.reason == "length"
    used = said.usage
    return {
        "id": f"resp_{number}", "object": "response", "created_at": CREATED,
        "status": "incomplete" if cut else "completed", "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "model": body["model"], "output": _items(said),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "tool_choice": body.get("tool_choice", "auto"), "tools": body.get("tools") or [],
        "usage": {
            "input_tokens": used["prompt_tokens"], "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": used["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": used["total_tokens"],
        },
    }  # fmt: skip


def _items(said: Said) -> list[Json]:
    if said.calls:
        return [
            {"type": "function_call", "id": f"fc_{i}", "call_id": call["id"], "status": "completed",
             **call["function"]}
            for i, call in enumerate(said.calls)
        ]  # fmt: skip
    part = {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}
    message = {"type": "message", "id": "msg_0", "role": "assistant", "status": "completed"}
    return [message | {"content": [part]}]


def _events(answer: Json) -> Iterator[Json]:
    begun = answer | {"status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(answer["output"]):
        at = {"output_index": index}
        empty: Json = {"content": []} if item["type"] == "message" else {"arguments": ""}
        started = item | empty | {"status": "in_progress"}
        yield {"type": "response.output_item.added", **at, "item": started}
        yield from _inside(item, at | {"item_id": item["id"]})
        yield {"type": "response.output_item.done", **at, "item": item}
    yield {"type": f"response.{answer['status']}", "response": answer}


def _inside(item: Json, at: Json) -> Iterator[Json]:
    if item["type"] == "function_call":
        name = "response.function_call_arguments"
        yield {"type": f"{name}.delta", **at, "delta": item["arguments"]}
        yield {"type": f"{name}.done", **at, "arguments": item["arguments"], "name": item["name"]}
        return
    part: Any = item["content"][0]
    at = at | {"content_index": 0}
    yield {"type": "response.content_part.added", **at, "part": part | {"text": ""}}
    for word in tokens(part["text"]):
        yield {"type": "response.output_text.delta", **at, "delta": word, "logprobs": []}
    yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": part}
