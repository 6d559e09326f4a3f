"""Anthropic's messages: what is answered, whole and as events."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from breeze.testing.standins._anthropic_rules import Json, blocks, sign, text_of
from breeze.testing.standins._reply import event
from breeze.testing.standins._said import answer_to, limited, sample, tokens

REFUSED = "forbidden fruit"
"""Words that the model declines to talk about."""
_THOUGHT = "Let me think. "


@dataclass(frozen=True)
class Said:
    """An answer: its blocks and why it ended."""

    content: tuple[Json, ...]
    reason: str
    stop: str | None
    usage: Json

    def whole(self, facts: Json) -> Json:
        """The answer in one object."""
        return facts | {
            "type": "message",
            "role": "assistant",
            "content": list(self.content),
            "stop_reason": self.reason,
            "stop_sequence": self.stop,
            "stop_details": self._details(),
            "container": None,
            "usage": self.usage,
        }

    def events(self, facts: Json) -> Iterator[bytes]:
        """The answer in events, each named."""
        begun = self.whole(facts) | {"content": [], "stop_reason": None, "stop_sequence": None}
        used = {**self.usage, "output_tokens": 1}
        yield _event("message_start", message=begun | {"stop_details": None, "usage": used})
        for index, block in enumerate(self.content):
            yield from _block_events(index, block)
            if not index:
                yield _event("ping")
        delta = {"stop_reason": self.reason, "stop_sequence": self.stop}
        yield _event(
            "message_delta", delta=delta | {"stop_details": self._details()}, usage=self.usage
        )
        yield _event("message_stop")

    def _details(self) -> Json | None:
        if self.reason != "refusal":
            return None
        return {"type": "refusal", "category": "general_harms", "explanation": "It may do harm."}


def said_to(body: Json, cached: bool, refuse: bool = False) -> Said:
    """What is answered to a request. `cached`: its beginning was seen before."""
    last = body["messages"][-1]
    text = text_of(last["content"])
    content: list[Json] = []
    thinking = body.get("thinking") or {}
    if thinking.get("type") in ("adaptive", "enabled"):
        shown = "" if thinking.get("display") == "omitted" else _THOUGHT
        content.append({"type": "thinking", "thinking": shown, "signature": sign(shown)})
    calls = _calls(body, text) if last["role"] == "user" and not _results(last) else []
    stop: str | None = None
    if refuse or REFUSED in text.lower():
        reason = "refusal"
    elif calls:
        reason = "tool_use"
        content += calls
    else:
        text, stop, reason = _text(body, last)
        content += [{"type": "text", "text": text}] if text else []
    return Said(tuple(content), reason, stop, _usage(body, content, cached))


def _text(body: Json, last: Json) -> tuple[str, str | None, str]:
    """The text, the stop sequence that ended it, and why it ended."""
    text = _reply(body, last)
    found = [s for s in body.get("stop_sequences") or () if s in text]
    stop = min(found, key=text.index) if found else None
    text, cut = limited(text, body["max_tokens"], [stop] if stop else ())
    reason = "max_tokens" if cut else "stop_sequence" if stop else "end_turn"
    return text, stop if reason == "stop_sequence" else None, reason


def _reply(body: Json, last: Json) -> str:
    form = (body.get("output_config") or {}).get("format")
    if form:
        return msgspec.json.encode(sample(form["schema"])).decode()
    said = text_of(last["content"])
    if _results(last):
        return f"The tool said: {said}"
    if last["role"] == "assistant":  # begun, and to be continued
        asked = next((m for m in reversed(body["messages"]) if m["role"] == "user"), None)
        full = answer_to(text_of(asked["content"]) if asked else "")
        return full.removeprefix(said) if full.startswith(said) else " and so on."
    files = [b["source"] for b in blocks(last["content"]) if b["type"] in ("image", "document")]
    return answer_to(said, [_seen(source) for source in files])


def _seen(source: Json) -> tuple[str, int]:
    if source["type"] == "base64":
        return source["media_type"], len(base64.b64decode(source["data"]))
    return source["type"], len(source.get("data") or source.get("url") or source["file_id"])


def _results(message: Json) -> bool:
    return any(block["type"] == "tool_result" for block in blocks(message["content"]))


def _calls(body: Json, text: str) -> list[Json]:
    """Uses of the tool that must be used, or whose name stands in the text."""
    tools, choice = body.get("tools") or [], body.get("tool_choice") or {"type": "auto"}
    if choice["type"] == "none":
        return []
    if choice["type"] == "tool":
        wanted = [tool for tool in tools if tool["name"] == choice["name"]]
    else:
        named = [tool for tool in tools if tool["name"] in text]
        wanted = named or (tools[:1] if choice["type"] == "any" else [])
    if choice.get("disable_parallel_tool_use"):
        wanted = wanted[:1]
    return [
        {
            "type": "tool_use", "id": f"toolu_{i}", "name": tool["name"],
            "input": sample(tool["input_schema"]),
        }
        for i, tool in enumerate(wanted)
    ]  # fmt: skip


def prompt_tokens(body: Json) -> int:
    """Tokens of a request."""
    said = [text_of(m["content"]) for m in body["messages"]]
    system = text_of(body.get("system") or "")
    return sum(len(tokens(text)) + 1 for text in [*said, *([system] if system else [])])


def _usage(body: Json, content: list[Json], cached: bool) -> Json:
    prompt = prompt_tokens(body)
    keeps = bool(body.get("cache_control"))
    thought = sum(len(tokens(b["thinking"])) for b in content if b["type"] == "thinking")
    said = sum(len(tokens(b.get("text", ""))) + 5 * (b["type"] == "tool_use") for b in content)
    return {
        "input_tokens": 1 if keeps else prompt,
        "cache_creation_input_tokens": prompt - 1 if keeps and not cached else 0,
        "cache_read_input_tokens": prompt - 1 if keeps and cached else 0,
        "output_tokens": thought + said,
        "output_tokens_details": {"thinking_tokens": thought},
        "service_tier": "standard",
    }


def _block_events(index: int, block: Json) -> Iterator[bytes]:
    kind = block["type"]
    empty: Json = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}.get(
        kind, {"input": {}}
    )
    yield _event("content_block_start", index=index, content_block=block | empty)
    for delta in _deltas(block):
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _deltas(block: Json) -> Iterator[Json]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": word} for word in tokens(block["text"]))
    elif block["type"] == "thinking":
        for word in tokens(block["thinking"]):
            yield {"type": "thinking_delta", "thinking": word}
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        given = msgspec.json.encode(block["input"]).decode()
        for part in (given[: len(given) // 2], given[len(given) // 2 :]):
            yield {"type": "input_json_delta", "partial_json": part}


def _event(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)
