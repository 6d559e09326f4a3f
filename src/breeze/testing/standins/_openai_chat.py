"""Chat: what is answered, whole and in chunks."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from breeze.testing.standins._said import Spoken, answer_to, limited, sample, tokens

Json = dict[str, Any]
CREATED = 1_760_000_000


@dataclass(frozen=True)
class Style:
    """How one vendor's server words a chat answer."""

    reasoning: str = ""
    """The field of reasoning; "": it does not reason."""
    details: bool = False
    """Reasoning also as `reasoning_details`."""
    first: str = ""
    """`content` of the first delta: "" or `null` for an explicit null."""
    usage_always: bool = False
    empty_calls: bool = False
    """`tool_calls: []` where there are none."""
    stop_reason: bool = False
    native_reason: bool = False
    plain: bool = False
    """Only the fields that every server has, no role, no usage in streams."""


class Said(Spoken):
    """An answer before it is worded for the wire."""

    @property
    def usage(self) -> Json:
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.count,
            "total_tokens": self.prompt + self.count,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": len(tokens(self.thought))},
        }


def said_to(body: Json, style: Style) -> Said:
    """What is answered to a request."""
    messages = body["messages"]
    prompt = sum(len(tokens(_text(m.get("content")))) + 1 for m in messages)
    last = messages[-1]
    if last["role"] == "tool":
        text = f"The tool said: {_text(last.get('content'))}"
    elif calls := _calls(body, _text(last.get("content"))):
        return Said("", "", calls, "tool_calls", prompt)
    else:
        text = _reply(body, last)
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    stops = body.get("stop") or []
    text, cut = limited(text, most, [stops] if isinstance(stops, str) else stops)
    return Said(text, _thought(body, style), (), "length" if cut else "stop", prompt)


def _thought(body: Json, style: Style) -> str:
    asked = body.get("reasoning_effort") or body.get("reasoning")
    return "Let me think. " if style.reasoning and asked and asked != "none" else ""


def _reply(body: Json, last: Json) -> str:
    form = body.get("response_format") or {}
    text = _text(last.get("content"))
    if form.get("type") == "json_schema":
        schema = form["json_schema"].get("schema") or {}
        return msgspec.json.encode(sample(schema)).decode()
    if form.get("type") == "json_object":
        return msgspec.json.encode({"said": text}).decode()
    parts = last["content"] if isinstance(last.get("content"), list) else []
    pictures = [_picture(p["image_url"]["url"]) for p in parts if p["type"] == "image_url"]
    return answer_to(text, pictures, sum(p["type"] == "input_audio" for p in parts))


def _picture(url: str) -> tuple[str, int]:
    if not url.startswith("data:"):
        return "by address", len(url)
    head, _, data = url.partition(",")
    return head.removeprefix("data:").partition(";")[0], len(base64.b64decode(data))


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(p.get("text", "") for p in content if p.get("type") == "text")
    return content or ""


def _calls(body: Json, text: str) -> tuple[Json, ...]:
    """Calls of the tool that must be called, or whose name stands in the text."""
    tools = [t["function"] for t in body.get("tools") or () if t.get("type") == "function"]
    choice = body.get("tool_choice", "auto")
    if choice == "none" or not tools:
        return ()
    if isinstance(choice, dict):
        named = (choice.get("function") or {}).get("name")
        wanted = [t for t in tools if t["name"] == named]
    else:
        named_in_text = [t for t in tools if t["name"] in text]
        wanted = named_in_text or (tools[:1] if choice == "required" else [])
    return tuple(
        {"id": f"call_{i}", "type": "function", "function": _called(tool)}
        for i, tool in enumerate(wanted)
    )


def _called(tool: Json) -> Json:
    arguments = msgspec.json.encode(sample(tool.get("parameters") or {"type": "object"}))
    return {"name": tool["name"], "arguments": arguments.decode()}


def whole(body: Json, facts: Json, style: Style) -> Json:
    """The answer in one object."""
    said = said_to(body, style)
    message: Json = {"role": "assistant", "content": said.text or None}
    if not style.plain:
        message |= {"refusal": None, "annotations": []}
    if said.thought:
        message |= _thinking(said.thought, style)
    if said.calls or style.empty_calls:
        message["tool_calls"] = list(said.calls)
    choice: Json = {"message": message, **_reason(said, style)}
    if body.get("logprobs"):
        choice["logprobs"] = {"content": [_logprob(w, body) for w in tokens(said.text)]}
    elif not style.plain:
        choice["logprobs"] = None
    choices = [{"index": i} | choice for i in range(body.get("n") or 1)]
    return facts | {"object": "chat.completion", "choices": choices, "usage": said.usage}


def chunks(body: Json, facts: Json, style: Style) -> Iterator[Json]:
    """The answer in chunks, in the order that a server must keep."""
    said = said_to(body, style)
    facts = facts | {"object": "chat.completion.chunk"}
    options = body.get("stream_options") or {}
    asked = (options.get("include_usage") and not style.plain) or style.usage_always
    if options.get("continuous_usage_stats"):
        facts["usage"] = said.usage
    elif asked and not style.usage_always:
        facts["usage"] = None
    for index in range(body.get("n") or 1):
        for delta, more in _deltas(said, body, style):
            yield facts | {"choices": [{"index": index, "delta": delta} | more]}
        end = {"index": index, "delta": {}, **_reason(said, style)}
        yield facts | {"choices": [end]}
    if asked:
        yield facts | {"choices": [], "usage": said.usage}


def _reason(said: Said, style: Style) -> Json:
    told: Json = {"finish_reason": said.reason}
    if style.native_reason:
        told["native_finish_reason"] = said.reason
    return told | ({"stop_reason": None} if style.stop_reason else {})


def _thinking(text: str, style: Style) -> Json:
    if not style.details:
        return {style.reasoning: text}
    detail = {"type": "reasoning.text", "text": text, "index": 0, "format": "unknown"}
    return {style.reasoning: text, "reasoning_details": [detail]}


def _deltas(said: Said, body: Json, style: Style) -> Iterator[tuple[Json, Json]]:
    running: Json = {"finish_reason": None}
    first = None if style.first == "null" or said.calls else ""
    if not style.plain:
        yield {"role": "assistant", "content": first}, running
    for word in tokens(said.thought):
        yield _thinking(word, style), running
    for word in tokens(said.text):
        logged = {"logprobs": {"content": [_logprob(word, body)]}} if body.get("logprobs") else {}
        yield {"content": word}, running | logged
    for index, call in enumerate(said.calls):
        yield {"tool_calls": [_fragment(index, call)]}, running
        arguments = call["function"]["arguments"]
        half = len(arguments) // 2
        for part in filter(None, (arguments[:half], arguments[half:])):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}, running


def _fragment(index: int, call: Json) -> Json:
    name = call["function"]["name"]
    function = {"name": name, "arguments": ""}
    return {"index": index, "id": call["id"], "type": "function", "function": function}


def _logprob(word: str, body: Json) -> Json:
    entry = {"token": word, "logprob": -0.5, "bytes": list(word.encode())}
    top = [entry | {"logprob": -0.5 - i} for i in range(body.get("top_logprobs") or 0)]
    return entry | {"top_logprobs": top}
