"""The answer of a chat-completions server, chunk by chunk, as our events.

Lenient, because servers differ: null, empty and missing mean the same, usage may come in any
chunk, reasoning has several names, tool calls may lack an index. A whole answer counts as one
chunk.
"""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.answers import FinishReason
from breeze.contracts.dialects.openai_chunk_json import (
    CallPiece,
    ChoiceJson,
    Chunk,
    Delta,
    LogprobsJson,
    UsageJson,
)
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import ChatEvent, Finish, ReasoningDelta, TextDelta, ToolCallDelta
from breeze.contracts.request import new_id
from breeze.contracts.values import TokenLogprob, Usage

_decode = msgspec.json.Decoder(Chunk).decode

REASONS: dict[str, FinishReason] = {
    "stop": "stop", "length": "length", "tool_calls": "tool_calls", "function_call": "tool_calls",
    "content_filter": "content_filter", "max_tokens": "length", "tool_use": "tool_calls",
    "safety": "content_filter",
}  # fmt: skip
"""Reasons on the wire. Any other word ends the text as `stop` and stays in the metadata."""

_REFUSAL: dict[str, Any] = {"refusal": True}
"""Metadata of text that is a refusal, and of the end of such an answer."""


class UpstreamError(Exception):
    """An error in place of a chunk. `error` is what the server said: text or an object."""

    def __init__(self, error: Any) -> None:
        said = error.get("message", error) if isinstance(error, dict) else error
        super().__init__(str(said))
        self.error = error

    def field(self, name: str) -> Any:
        """`code`, `type` or another field of the error, None when it has none."""
        return self.error.get(name) if isinstance(self.error, dict) else None


class ChunkReader:
    """Reads one stream. `choice` is added to choice indexes; `top` bounds logprob alternatives.

    `read` gives the events of a chunk, `end` those after the last. Until then `reason` and
    `usage` are what was seen so far, None before that.
    """

    __slots__ = ("_calls", "_choice", "_raw", "_refused", "_top", "model", "usage")

    def __init__(self, *, choice: int = 0, top: int = 20) -> None:
        self._choice = choice
        self._top = top
        self._calls: dict[int, dict[int | str, _Call]] = {}
        self._raw = ""
        self._refused = False
        self.model = ""
        self.usage: Usage | None = None

    @property
    def reason(self) -> FinishReason | None:
        """Why the answer ended, None while it has not."""
        if not self._raw:
            return None
        reason = REASONS.get(self._raw, "stop")
        if reason == "stop" and (self._refused or self._calls):
            return "content_filter" if self._refused else "tool_calls"
        return reason

    def read(self, chunk: bytes | str) -> list[ChatEvent]:
        """The events of one chunk, given as its JSON.

        Raises UpstreamError when it holds an error, ProcessingError when it is not a chunk.
        """
        try:
            found = _decode(chunk)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ProcessingError(f"Malformed chunk: {error}.", detail="malformed") from error
        if found.error or (found.choices is None and (found.detail or found.message)):
            raise UpstreamError(found.error or found.detail or found.message)
        if found.usage is not None:
            self.usage = usage_of(found.usage) or self.usage
        if found.model:
            self.model = found.model
        events: list[ChatEvent] = []
        for choice in found.choices or ():
            self._take_choice(choice, events)
        return events

    def end(self) -> list[ChatEvent]:
        """Usage, when it was told, and the finish. Raises ProcessingError (cut) without one."""
        reason = self.reason
        if reason is None:
            raise ProcessingError(
                "The stream ended before the answer did. Send the request again.", detail="cut"
            )
        metadata = {} if self._raw in REASONS else {"finish_reason": self._raw}
        metadata |= _REFUSAL if self._refused else {}
        usage: list[ChatEvent] = [self.usage] if self.usage is not None else []
        return [*usage, Finish(reason, metadata=metadata or None)]

    def _take_choice(self, found: ChoiceJson, events: list[ChatEvent]) -> None:
        index = self._choice + (found.index or 0)
        delta = found.delta or found.message
        if delta is not None:
            self._take_delta(delta, index, found.logprobs, events)
        if found.finish_reason:
            if found.finish_reason == "error":  # gateways say so, at times without an error
                raise UpstreamError("the model failed")
            self._raw = found.finish_reason

    def _take_delta(
        self, delta: Delta, index: int, logprobs: LogprobsJson | None, events: list[ChatEvent]
    ) -> None:
        if reasoning := delta.reasoning_text():
            events.append(ReasoningDelta(reasoning, index))
        if delta.refusal:
            self._refused = True
            events.append(TextDelta(delta.refusal, index, metadata=_REFUSAL))
        tokens = self._tokens(logprobs) if logprobs is not None else ()
        if (text := delta.text()) or tokens:
            events.append(TextDelta(text, index, tokens))
        if delta.tool_calls is not None:
            events.extend(self._take_call(piece, index) for piece in delta.tool_calls)

    def _take_call(self, piece: CallPiece, index: int) -> ToolCallDelta:
        calls = self._calls.setdefault(index, {})
        name, arguments = piece.called()
        key = piece.index if piece.index is not None else piece.id
        if key is None:  # neither index nor id: a name begins the next call
            key = len(calls) if name or not calls else next(reversed(calls))
        id = ""
        if key not in calls:
            id = piece.id or f"call_{new_id()}"
            calls[key] = _Call(len(calls))
        call = calls[key]
        name, call.named = ("" if call.named else name), call.named or bool(name)
        return ToolCallDelta(call.index, id, name, arguments, index)

    def _tokens(self, logprobs: LogprobsJson) -> tuple[TokenLogprob, ...]:
        return tuple(
            TokenLogprob(
                token.token,
                token.logprob or 0.0,
                tuple((t.token, t.logprob or 0.0) for t in (token.top_logprobs or ())[: self._top]),
            )
            for token in logprobs.content or ()
        )


def usage_of(found: UsageJson) -> Usage | None:
    """What was used, as our event; None when that is not told."""
    if found.prompt_tokens is None and found.completion_tokens is None:
        return None
    prompt, completion = found.prompt_tokens_details, found.completion_tokens_details
    return Usage(
        found.prompt_tokens or 0,
        found.completion_tokens or 0,
        (completion and completion.reasoning_tokens) or 0,
        (prompt and prompt.cached_tokens) or 0,
        cost=found.cost,
    )


class _Call:
    """A tool call so far."""

    __slots__ = ("index", "named")

    def __init__(self, index: int) -> None:
        self.index = index
        self.named = False
