"""The answer of `/responses`, whole or as a stream: its events as ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breeze.contracts.answers import FinishReason
from breeze.contracts.errors import ProcessingError, RunnerError
from breeze.contracts.events import (
    ChatEvent,
    Finish,
    Progress,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import reported
from breeze.runners._http_json import decoded
from breeze.runners._llama_stack_server import SAYS, is_error, mended
from breeze.runners._llama_stack_sources import Sources

_TEXT = "response.output_text.delta"
_REASONING = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta")
_ENDS = ("response.completed", "response.incomplete", "response.failed")
_REFUSAL: dict[str, Any] = {"refusal": True}
_OURS = ("message", "reasoning", "function_call")
"""Items of an answer that are no calls of the server's own."""


class ResponseReader:
    """Reads one answer. `take` gives the events of a piece of JSON, `end` those after the last.

    Older servers tell of tools in the last event only, so all of it is looked through then.
    `sources` collects what was found; `calls` are the tools that the server used.
    """

    def __init__(self, answer: Answer, secrets: tuple[str, ...], sources: Sources) -> None:
        self._answer = answer
        self._secrets = secrets
        self._seen: set[str] = set()
        self._functions = 0
        self._refused = self._differs = False
        self._said = ""
        self._end: Finish | None = None
        self.sources = sources
        self.calls: list[dict[str, Any]] = []

    @property
    def over(self) -> bool:
        """True once the last event was there."""
        return self._end is not None

    def take(self, data: bytes) -> list[ChatEvent]:
        """The events of one event of the stream. Raises the error that it is instead."""
        clean = mended(data)
        self._differs = self._differs or clean is not data
        said = decoded(clean, self._answer.where)
        if not isinstance(said, dict):
            raise self._malformed("an event that is no object")
        kind = said.get("type")
        if kind == _TEXT:
            return self._text(said.get("delta"))
        if kind in _REASONING:
            return [ReasoningDelta(text)] if (text := _string(said.get("delta"))) else []
        if kind == "response.refusal.delta":
            return self._refusal(said.get("delta"))
        if kind in ("response.output_item.added", "response.output_item.done"):
            return self._item(_object(said.get("item")), done=kind.endswith("done"))
        if kind in _ENDS:
            return self.whole(said.get("response"))
        if kind == "error" or (kind is None and is_error(said)):
            raise self._reported(said)
        return []  # others tell nothing that these do not

    def whole(self, said: Any) -> list[ChatEvent]:
        """The events of an answer as a whole, without what was told before."""
        response = _object(said)
        if response.get("error") or response.get("status") == "failed":
            raise self._reported({"error": response.get("error") or "it failed"})
        output = response.get("output")
        if not isinstance(output, list):
            raise self._malformed("a response without output")
        events: list[ChatEvent] = []
        for item in map(_object, output):
            events += self._item(item, done=True)
        texts = [part for item in map(_object, output) for part in _parts(item)]
        events += self._rest(texts)
        events += _usage(_object(response.get("usage")))
        self._end = Finish(self._reason(response), metadata=_model(response))
        return events

    def end(self) -> Finish:
        """The end. Raises ProcessingError (`cut`) when there was none."""
        if self._end is None:
            raise ProcessingError(
                f"{self._answer.where} ended its answer before it was complete. "
                "Send the request again.",
                detail="cut",
            )
        return self._end

    def _text(self, text: Any) -> list[ChatEvent]:
        if not (delta := _string(text)):
            return []
        self._said += delta
        return [TextDelta(delta)]

    def _refusal(self, text: Any) -> list[ChatEvent]:
        if not (delta := _string(text)):
            return []
        self._said += delta
        self._refused = True
        return [TextDelta(delta, metadata=_REFUSAL)]

    def _rest(self, parts: list[Mapping[str, Any]]) -> list[ChatEvent]:
        """What was not told, when nothing was. Raises ProcessingError when a piece is missing."""
        if not self._said:
            told = [(self._text(p.get("text")), self._refusal(p.get("refusal"))) for p in parts]
            return [event for pair in told for events in pair for event in events]
        whole = (_string(part.get("text")) for part in parts)
        # Marks of citations are in the pieces, but not in the text of the end.
        differs = self._differs or self.sources.searched
        if not differs and any(text not in self._said for text in whole):
            raise self._malformed("pieces of text that are not the text of the end")
        return []

    def _item(self, item: Mapping[str, Any], *, done: bool) -> list[ChatEvent]:
        kind, key = _string(item.get("type")), _string(item.get("id"))
        key = key or _string(item.get("call_id"))
        if kind == "message" and done:
            for part in _parts(item):
                self.sources.cite(part.get("annotations"))
        if kind in _OURS and kind != "function_call":
            return []
        if kind == "function_call":
            return self._function(item) if done and self._first(key) else []
        if not done:
            return [Progress(_stage(kind), float(len(self.calls)))]
        return self._call(kind, item) if self._first(key) else []

    def _first(self, key: str) -> bool:
        """True when the item was not told yet."""
        if key and key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _function(self, item: Mapping[str, Any]) -> list[ChatEvent]:
        call = ToolCallDelta(
            self._functions,
            _string(item.get("call_id")) or _string(item.get("id")),
            _string(item.get("name")),
            _string(item.get("arguments")) or "{}",
        )
        self._functions += 1
        return [call]

    def _call(self, kind: str, item: Mapping[str, Any]) -> list[ChatEvent]:
        """A tool that the server used."""
        named = {
            name: item[name]
            for name in ("name", "server_label", "queries", "arguments", "status", "error")
            if item.get(name)
        }
        if kind != "mcp_list_tools":  # that one is but what there is
            self.calls.append({"tool": _stage(kind), **named})
        self.sources.found(item.get("results"))
        told = {"server_tool_calls": [self.calls[-1]]} if self.calls else None
        return [Progress(_stage(kind), float(len(self.calls)), metadata=told)]

    def _reason(self, response: Mapping[str, Any]) -> FinishReason:
        if self._functions:
            return "tool_calls"
        details = _object(response.get("incomplete_details"))
        if response.get("status") == "incomplete":
            return "content_filter" if details.get("reason") == "content_filter" else "length"
        return "content_filter" if self._refused else "stop"

    def _reported(self, said: Any) -> RunnerError:
        return reported(said, self._answer, secrets=self._secrets, field="messages", says=SAYS)

    def _malformed(self, what: str) -> ProcessingError:
        return ProcessingError(f"{self._answer.where} sent {what}.", detail="malformed")


def _stage(kind: str) -> str:
    return kind.removesuffix("_call")


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _parts(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = item.get("content")
    return [_object(part) for part in content] if isinstance(content, list) else []


def _usage(used: Mapping[str, Any]) -> list[ChatEvent]:
    if not used:
        return []
    read, made = _object(used.get("input_tokens_details")), used.get("output_tokens_details")
    counts = (
        used.get("input_tokens"), used.get("output_tokens"),
        _object(made).get("reasoning_tokens"), read.get("cached_tokens"),
    )  # fmt: skip
    return [Usage(*(count if isinstance(count, int) else 0 for count in counts))]


def _model(response: Mapping[str, Any]) -> dict[str, Any] | None:
    return {"model_name": name} if (name := _string(response.get("model"))) else None
