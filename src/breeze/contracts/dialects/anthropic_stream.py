"""The answer of Anthropic's Messages, event by event, as our events.

Lenient, because events, blocks and words are added over time: what is unknown is passed over. A
whole answer counts as one event.
"""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.answers import FinishReason
from breeze.contracts.dialects.anthropic_thinking import Thoughts
from breeze.contracts.dialects.openai import UpstreamError
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import ChatEvent, Finish, ReasoningDelta, TextDelta, ToolCallDelta
from breeze.contracts.request import new_id
from breeze.contracts.values import Usage

REASONS: dict[str, FinishReason] = {
    "end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls",
    "refusal": "content_filter", "model_context_window_exceeded": "length",
}  # fmt: skip
"""Reasons on the wire. Any other word ends the text as `stop` and stays in the metadata."""
_PLAIN = ("end_turn", "stop_sequence", "max_tokens", "tool_use")


class MessageReader:
    """Reads one answer. `over` is True once its last event was read."""

    def __init__(self) -> None:
        self.over = False
        self._reason = ""
        self._model = ""
        self._used: dict[str, Any] = {}
        self._thoughts = Thoughts()
        self._calls: dict[int, list[Any]] = {}

    def read(self, found: Any) -> list[ChatEvent]:
        """The events of one object. Raises UpstreamError when it holds an error, and
        ProcessingError when it is no object.
        """
        if not isinstance(found, dict):
            raise ProcessingError("Malformed event: no object.", detail="malformed")
        kind = found.get("type")
        if kind == "error" or found.get("error"):
            raise UpstreamError(found.get("error") or found)
        if kind == "message":
            return self._whole(found)
        take = getattr(self, f"_take_{kind}", None) if kind in _KINDS else None
        events: list[ChatEvent] = take(found) if take is not None else []
        return events

    def end(self) -> list[ChatEvent]:
        """Signature, usage, and the finish. Raises ProcessingError (cut) without a reason."""
        if not self._reason:
            raise ProcessingError(
                "The stream ended before the answer did. Send the request again.", detail="cut"
            )
        events: list[ChatEvent] = []
        if signature := self._thoughts.signature:
            events.append(ReasoningDelta("", signature=signature))
        if (usage := usage_of(self._used)) is not None:
            events.append(usage)
        metadata: dict[str, Any] = {"model_name": self._model} if self._model else {}
        if self._reason not in _PLAIN:
            metadata["finish_reason"] = self._reason
        reason = REASONS.get(self._reason, "tool_calls" if self._calls else "stop")
        return [*events, Finish(reason, metadata=metadata or None)]

    def _whole(self, found: dict[str, Any]) -> list[ChatEvent]:
        events: list[ChatEvent] = []
        self._take_message_start({"message": found})
        for index, block in enumerate(_list(found.get("content"))):
            events += self._begin(index, _dict(block), whole=True)
            events += self._close(index)
        self._reason = _text(found.get("stop_reason"))
        self.over = True
        return events

    def _take_message_start(self, found: dict[str, Any]) -> list[ChatEvent]:
        message = _dict(found.get("message"))
        self._model = _text(message.get("model"))
        self._count(message.get("usage"))
        return []

    def _take_content_block_start(self, found: dict[str, Any]) -> list[ChatEvent]:
        return self._begin(_index(found), _dict(found.get("content_block")))

    def _take_content_block_delta(self, found: dict[str, Any]) -> list[ChatEvent]:
        index, delta = _index(found), _dict(found.get("delta"))
        kind = delta.get("type")
        if kind == "text_delta" and (text := _text(delta.get("text"))):
            return [TextDelta(text)]
        if kind == "thinking_delta":
            return self._think(index, _text(delta.get("thinking")))
        if kind == "signature_delta":
            self._thoughts.sign(index, _text(delta.get("signature")))
        elif kind == "input_json_delta":
            return self._argue(index, _text(delta.get("partial_json")))
        return []

    def _take_content_block_stop(self, found: dict[str, Any]) -> list[ChatEvent]:
        return self._close(_index(found))

    def _take_message_delta(self, found: dict[str, Any]) -> list[ChatEvent]:
        self._reason = _text(_dict(found.get("delta")).get("stop_reason")) or self._reason
        self._count(found.get("usage"))
        return []

    def _take_message_stop(self, _: dict[str, Any]) -> list[ChatEvent]:
        self.over = True
        return []

    def _begin(self, index: int, block: dict[str, Any], whole: bool = False) -> list[ChatEvent]:
        kind = block.get("type")
        if kind == "text":
            text = _text(block.get("text"))
            return [TextDelta(text)] if text else []
        if kind == "thinking":
            self._thoughts.sign(index, _text(block.get("signature")))
            return self._think(index, _text(block.get("thinking")))
        if kind == "redacted_thinking":
            self._thoughts.hide(index, _text(block.get("data")))
        elif kind == "tool_use":
            return [self._call(index, block, whole)]
        return []

    def _call(self, index: int, block: dict[str, Any], whole: bool) -> ToolCallDelta:
        given = block.get("input")
        complete = whole or bool(given)  # a stream begins with {} and sends the text after it
        arguments = msgspec.json.encode(given or {}).decode() if complete else ""
        number = len(self._calls)
        self._calls[index] = [number, complete]
        id = _text(block.get("id")) or f"toolu_{new_id()}"
        return ToolCallDelta(number, id, _text(block.get("name")) or "unnamed", arguments)

    def _argue(self, index: int, piece: str) -> list[ChatEvent]:
        call = self._calls.get(index)
        if call is None or not piece:
            return []
        call[1] = True
        return [ToolCallDelta(call[0], arguments=piece)]

    def _close(self, index: int) -> list[ChatEvent]:
        """A call whose text never came has no arguments."""
        call = self._calls.get(index)
        if call is None or call[1]:
            return []
        call[1] = True
        return [ToolCallDelta(call[0], arguments="{}")]

    def _think(self, index: int, text: str) -> list[ChatEvent]:
        self._thoughts.add(index, text)
        return [ReasoningDelta(text)] if text else []

    def _count(self, used: Any) -> None:
        """Counts are running totals: the last of each counts."""
        self._used |= {name: value for name, value in _dict(used).items() if value is not None}


_KINDS = frozenset(
    name.removeprefix("_take_") for name in vars(MessageReader) if name.startswith("_take_")
)


def usage_of(used: dict[str, Any]) -> Usage | None:
    """What was used, None when that is not told. What came from the cache is part of the prompt."""
    if not isinstance(used.get("input_tokens"), int | float) and "output_tokens" not in used:
        return None
    cached = _number(used.get("cache_read_input_tokens"))
    written = _number(used.get("cache_creation_input_tokens"))
    details = _dict(used.get("output_tokens_details"))
    return Usage(
        _number(used.get("input_tokens")) + cached + written,
        _number(used.get("output_tokens")),
        _number(details.get("thinking_tokens")),
        cached,
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _index(found: dict[str, Any]) -> int:
    return _number(found.get("index"))
