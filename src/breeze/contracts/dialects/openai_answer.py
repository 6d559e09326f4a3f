"""Our chat answers as OpenAI's JSON: the whole completion, and the chunks of a stream.

The order that official clients rely on: the role, the pieces, a chunk with the finish reason, the
usage when it was asked for. What does not fit the dialect is in one field of ours, `breeze`.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec

from breeze.contracts.answers import Adjustment, ChatAnswer, Choice
from breeze.contracts.events import (
    AnyEvent,
    Finish,
    ReasoningDelta,
    Redacted,
    Restarted,
    TextDelta,
    ToolCallDelta,
)
from breeze.contracts.messages import ToolCall
from breeze.contracts.values import Attempt, TokenLogprob, Usage

_encode = msgspec.json.Encoder().encode
DONE = b"data: [DONE]\n\n"


def usage_json(usage: Usage | None) -> dict[str, Any]:
    """OpenAI's usage object; zeros when nothing is known."""
    used = usage or Usage()
    return {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.total_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
    }


def logprobs_json(tokens: tuple[TokenLogprob, ...]) -> dict[str, Any] | None:
    """OpenAI's logprobs object of a choice, None when there are none."""
    if not tokens:
        return None
    return {
        "content": [
            _token(token.token, token.logprob)
            | {"top_logprobs": [_token(text, value) for text, value in token.top]}
            for token in tokens
        ],
        "refusal": None,
    }


def _token(text: str, logprob: float) -> dict[str, Any]:
    encoded = text.encode("utf-8", "surrogatepass")
    return {"token": text, "logprob": logprob, "bytes": list(encoded)}


def answer_json(answer: ChatAnswer, id: str, created: int, model: str) -> dict[str, Any]:
    """A whole `chat.completion`."""
    refused = _refused(answer)
    found: dict[str, Any] = {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [_choice(c, i, refused=refused) for i, c in enumerate(answer.choices)],
        "usage": usage_json(answer.usage),
        "system_fingerprint": None,
    }
    if ours := ours_json(answer.adjustments) | attempts_json(answer.attempts, answer.runner):
        found["breeze"] = ours
    return found


def ours_json(adjustments: tuple[Adjustment, ...]) -> dict[str, Any]:
    """The extension object of an answer, empty when there is nothing to say."""
    return {"adjustments": [msgspec.to_builtins(a) for a in adjustments]} if adjustments else {}


def attempts_json(attempts: tuple[Attempt, ...], runner: str) -> dict[str, Any]:
    """The tries that did not answer, and who did; for the extension object."""
    if not attempts:
        return {}
    return {"runner": runner, "attempts": [msgspec.to_builtins(a) for a in attempts]}


def _refused(said: ChatAnswer | Finish | TextDelta) -> bool:
    """True when the text is the model's refusal, which the dialect keeps apart from content."""
    return bool(said.metadata and said.metadata.get("refusal"))


def _choice(choice: Choice, index: int, *, refused: bool) -> dict[str, Any]:
    blocked = choice.finish_reason == "content_filter" and not choice.text
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.text if choice.text or not (choice.tool_calls or blocked) else None,
        "refusal": None,
    }
    if refused:
        message |= {"content": None, "refusal": choice.text}
    if choice.reasoning:
        message["reasoning_content"] = choice.reasoning
    if choice.reasoning_signature:
        message["reasoning_signature"] = choice.reasoning_signature
    if choice.tool_calls:
        message["tool_calls"] = [_called(call) for call in choice.tool_calls]
    return {
        "index": index,
        "message": message,
        "finish_reason": "stop" if refused else choice.finish_reason,
        "logprobs": logprobs_json(choice.logprobs),
    }


def _called(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    found: dict[str, Any] = {"id": call.id, "type": "function", "function": function}
    return found | {"signature": call.signature} if call.signature else found


class Chunks:
    """Writes the events of one stream as OpenAI's chunks, each one an SSE event.

    The constant parts of a chunk are encoded once. `usage`: the caller asked for it, so every
    chunk has the field, and one more chunk carries the figures.
    """

    __slots__ = ("_after", "_before", "_begun", "_choices", "_head", "_text", "_usage")

    def __init__(self, id: str, created: int, model: str, choices: int, *, usage: bool) -> None:
        self._head = _encode(id), created
        self._after = b',"usage":null}\n\n' if usage else b"}\n\n"
        self._begun = b'},"logprobs":null,"finish_reason":null}]' + self._after
        self._choices = choices
        self._usage = usage
        self.begin(model)

    def begin(self, model: str) -> None:
        """From now on `model` answers."""
        self._before = (
            b'data: {"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,'
            % (*self._head, _encode(model))
        )
        self._text = self._before + b'"choices":[{"index":0,"delta":{"content":'

    def first(self, adjustments: list[Any], begins: AnyEvent) -> bytes:
        """The chunk that opens every choice; what was adjusted so far rides on it.

        `begins` is the first event to come: content is null before a tool call or a refusal.
        """
        silent = type(begins) is ToolCallDelta or (type(begins) is TextDelta and _refused(begins))
        opening = {"role": "assistant", "content": None if silent else ""}
        opened = [_piece(i, opening) for i in range(self._choices)]
        more = b"" if not adjustments else b',"breeze":' + _encode({"adjustments": adjustments})
        return self._chunk(opened, more)

    def piece(self, event: AnyEvent) -> bytes:
        """One event; nothing for those that the dialect has no place for."""
        kind = type(event)
        if kind is TextDelta:
            if not (event.choice or event.logprobs or event.metadata):  # type: ignore[union-attr]
                return self._text + _encode(event.text) + self._begun  # type: ignore[union-attr]
            return self._chunk([_text_piece(event)])  # type: ignore[arg-type]
        if kind is ReasoningDelta:
            return self._chunk([_reasoning_piece(event)])  # type: ignore[arg-type]
        if kind is ToolCallDelta:
            return self._chunk([_piece(event.choice, {"tool_calls": [_call(event)]})])  # type: ignore[union-attr,arg-type]
        if kind is Restarted or kind is Redacted:
            return self._chunk([], b',"breeze":' + _encode(withdrawal_json(event)))  # type: ignore[arg-type]
        return b""

    def last(
        self, finish: Finish, usage: Usage | None, adjustments: list[Any], tried: dict[str, Any]
    ) -> bytes:
        """The finish reason of every choice, the usage when asked for, and the end.

        `tried`: what `attempts_json` gives.
        """
        reason: Reason = "stop" if _refused(finish) else finish.reason
        ends = [_piece(i, {}, reason=reason) for i in range(self._choices)]
        ours = {"adjustments": adjustments, **tried} if adjustments else tried
        more = b',"breeze":' + _encode(ours) if ours else b""
        closing = self._chunk(ends, more)
        if self._usage:
            closing += self._before + b'"choices":[],"usage":%b}\n\n' % _encode(usage_json(usage))
        return closing + DONE

    def _chunk(self, choices: list[dict[str, Any]], more: bytes = b"") -> bytes:
        return self._before + b'"choices":' + _encode(choices) + more + self._after


Reason = Literal["stop", "length", "tool_calls", "content_filter"]


def _piece(
    index: int,
    delta: dict[str, Any],
    logprobs: dict[str, Any] | None = None,
    reason: Reason | None = None,
) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}


def _text_piece(event: TextDelta) -> dict[str, Any]:
    name = "refusal" if _refused(event) else "content"
    return _piece(event.choice, {name: event.text}, logprobs_json(event.logprobs))


def _reasoning_piece(event: ReasoningDelta) -> dict[str, Any]:
    delta = {"reasoning_content": event.text}
    return _piece(
        event.choice,
        delta | {"reasoning_signature": event.signature} if event.signature else delta,
    )


def _call(event: ToolCallDelta) -> dict[str, Any]:
    """Clients concatenate every string, so id and name are written once, when they come."""
    function: dict[str, Any] = {"arguments": event.arguments}
    if event.name:
        function = {"name": event.name, **function}
    found: dict[str, Any] = {"index": event.index, "function": function}
    if event.signature:
        found["signature"] = event.signature
    return {"id": event.id, "type": "function", **found} if event.id else found


def withdrawal_json(event: Restarted | Redacted) -> dict[str, Any]:
    """That text which was sent is to be withdrawn, for the extension field of a chunk."""
    if isinstance(event, Restarted):
        return {
            "event": "restarted",
            "discard": event.discard,
            "from": event.from_runner,
            "to": event.to_runner,
            "reason": event.reason,
        }
    return {"event": "redacted", **json.loads(msgspec.json.encode(event))}
