"""The answer of `/responses`: searches done, functions called, and its events in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from breeze.testing.standins._llama_stack_stores import Stores
from breeze.testing.standins._openai_chat import CREATED, Json
from breeze.testing.standins._said import answer_to, limited, sample, tokens

_FACTS: Json = {
    "id": "resp_1", "object": "response", "created_at": CREATED, "error": None,
    "parallel_tool_calls": True, "previous_response_id": None,
}  # fmt: skip

_NEWER: Json = {
    "background": False, "completed_at": CREATED, "frequency_penalty": 0.0, "presence_penalty": 0.0,
    "temperature": 1.0, "top_p": 1.0, "top_logprobs": 0, "tools": [], "tool_choice": "auto",
    "truncation": "disabled", "service_tier": "default", "store": False,
}  # fmt: skip
"""What newer servers add."""


def answered(body: Json, stores: Stores, old: bool) -> Json:
    """The whole answer. A function is called when its name stands in the question, or it must."""
    items = body["input"]
    items = [{"role": "user", "content": items}] if isinstance(items, str) else items
    last = items[-1]
    question = next((_text(i) for i in reversed(items) if i.get("role") == "user"), "")
    output: list[Json] = []
    tools = body.get("tools") or []
    if calls := [] if "output" in last else _called(tools, body.get("tool_choice"), question):
        return _response(body, [*output, *calls], "", old)
    searched = _searched(tools, stores, question)
    output += searched
    output += [_used(tool) for tool in tools if tool["type"] in ("mcp", "web_search")]
    hits = [hit for call in searched for hit in call["results"]]
    text = f"The tool said: {last['output']}" if "output" in last else _answer(items, hits)
    return _response(body, output, text, old, hits)


def _response(
    body: Json, output: list[Json], text: str, old: bool, hits: list[Json] | None = None
) -> Json:
    text, cut = limited(text, body.get("max_output_tokens"))
    if text:
        output = [*output, _message(text, hits or [], old)]
    response = {
        **_FACTS, "model": body["model"], "output": output,
        "status": "incomplete" if cut else "completed", "text": {"format": {"type": "text"}},
    }  # fmt: skip
    if old:
        return response
    made = len(tokens(text))
    used = {
        "input_tokens": 3, "output_tokens": made, "total_tokens": 3 + made,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    reason = {"reason": "max_output_tokens"} if cut else None
    return {**response, **_NEWER, "usage": used, "incomplete_details": reason}


def _message(text: str, hits: list[Json], old: bool) -> Json:
    cited = [
        {"type": "file_citation", "file_id": hit["file_id"],
         "filename": hit["attributes"].get("filename", ""), "index": len(text)}
        for hit in ([] if old else hits[:1])
    ]  # fmt: skip
    part = {"type": "output_text", "text": text, "annotations": cited}
    return {
        "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [part],
    }  # fmt: skip


def _answer(items: list[Json], hits: list[Json]) -> str:
    if hits:
        return f"It is written: {hits[0]['text']}"
    return answer_to(_text(items[-1]))


def _text(item: Json) -> str:
    content = item.get("content", "")
    if isinstance(content, str):
        return content
    return " ".join(p["text"] for p in content if p["type"] in ("input_text", "output_text"))


def _called(tools: list[Json], choice: Any, question: str) -> list[Json]:
    functions = [tool for tool in tools if tool["type"] == "function"]
    named = choice.get("name") if isinstance(choice, dict) else None
    wanted = [t for t in functions if t["name"] in (named or question)]
    if choice == "required" and not wanted:
        wanted = functions[:1]
    return [
        {"type": "function_call", "id": f"fc_{i}", "call_id": f"call_{i}", "name": tool["name"],
         "status": "completed",
         "arguments": msgspec.json.encode(sample(tool.get("parameters") or {})).decode()}
        for i, tool in enumerate(wanted)
    ]  # fmt: skip


def _searched(tools: list[Json], stores: Stores, question: str) -> list[Json]:
    return [
        {"type": "file_search_call", "id": "fs_1", "queries": [question], "status": "completed",
         "results": stores.found(
             tool["vector_store_ids"], question, tool.get("max_num_results") or 10
         )}
        for tool in tools
        if tool["type"] == "file_search"
    ]  # fmt: skip


def _used(tool: Json) -> Json:
    """A tool that the server calls by itself."""
    if tool["type"] == "web_search":
        return {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    return {
        "type": "mcp_call", "id": "mcp_1", "server_label": tool["server_label"], "name": "look",
        "arguments": "{}", "output": "seen", "error": None,
    }  # fmt: skip


def streamed(response: Json, old: bool) -> Iterator[Json]:
    """The events. Old servers tell of tools in the last one only."""
    begun = {**response, "status": "in_progress", "output": []}
    yield {"type": "response.created", "response": begun}
    for index, item in enumerate(response["output"]):
        if item["type"] == "message":
            yield from _said(item, index, old)
        elif not old:
            started = {**item, "status": "in_progress", "results": None}
            where = {"output_index": index}
            yield {"type": "response.output_item.added", "item": started, **where}
            if item["type"] == "file_search_call":
                for state in ("in_progress", "searching", "completed"):
                    kind = f"response.file_search_call.{state}"
                    yield {"type": kind, "item_id": item["id"], **where}
            yield {"type": "response.output_item.done", "item": item, **where}
    end = "incomplete" if response["status"] == "incomplete" and not old else "completed"
    yield {"type": f"response.{end}", "response": response}


def _said(item: Json, index: int, old: bool) -> Iterator[Json]:
    facts = {"item_id": item["id"], "output_index": index, "content_index": 0}
    (part,) = item["content"]
    if not old:
        empty = {**item, "content": [], "status": "in_progress"}
        yield {"type": "response.output_item.added", "item": empty, "output_index": index}
        fresh = {**part, "text": "", "annotations": []}
        yield {"type": "response.content_part.added", "part": fresh, **facts}
    for word in tokens(part["text"]):
        yield {"type": "response.output_text.delta", "delta": word, **facts}
    if not old:
        yield {"type": "response.content_part.done", "part": part, **facts}
        yield {"type": "response.output_item.done", "item": item, "output_index": index}
