"""Gemini's answer, response by response, as our events.

Lenient, because fields and words are added over time: what is unknown is passed over. Each event
of a stream is a whole response; counts are running totals, the last of them counts.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec

from breeze.contracts.answers import FinishReason
from breeze.contracts.dialects.openai import UpstreamError
from breeze.contracts.errors import BlockedError, InputError, ProcessingError
from breeze.contracts.events import ChatEvent, Finish, ReasoningDelta, TextDelta, ToolCallDelta
from breeze.contracts.request import new_id
from breeze.contracts.values import TokenLogprob, Usage
from breeze.runners._google_parts import MARK
from breeze.runners._http_json import finite

_FILTERED = {
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
}  # fmt: skip
_FAILED = {
    "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
}  # fmt: skip
"""Ends that are no end of an answer."""
_UNSIGNED = "MISSING_THOUGHT_SIGNATURE"


class ContentReader:
    """Reads one answer. It is never `over` before its stream is: nothing marks the end."""

    over = False

    def __init__(self, where: str, top: int = 20) -> None:
        self._where = where
        self._top = top
        self._reasons: dict[int, str] = {}
        self._messages: dict[int, str] = {}
        self._open: set[int] = set()
        self._calls: dict[int, int] = {}
        self._blocked = ""
        self._model = ""
        self._used: dict[str, Any] = {}

    def read(self, found: Any) -> list[ChatEvent]:
        """The events of one response. Raises UpstreamError when it holds an error, and
        ProcessingError when it is no object.
        """
        if not isinstance(found, dict):
            raise ProcessingError("Malformed response: no object.", detail="malformed")
        if found.get("error"):
            raise UpstreamError(found["error"])
        self._used = _dict(found, "usageMetadata") or self._used
        self._model = _text(found, "modelVersion") or self._model
        feedback = _dict(found, "promptFeedback")
        if reason := _text(feedback, "blockReason"):
            said = _text(feedback, "blockReasonMessage")
            self._blocked = f"{reason}: {said}" if said else reason
        events: list[ChatEvent] = []
        for candidate in _list(found, "candidates"):
            self._candidate(candidate, events)
        return events

    def end(self) -> list[ChatEvent]:
        """Usage and the finish. Raises BlockedError when the prompt was refused, ProcessingError
        when the answer has not ended (cut) or ended in failure.
        """
        if self._blocked and not self._open and not self._reasons:
            raise BlockedError(
                f"{self._where} refused the prompt ({self._blocked}). Change the request.",
                detail="content_policy",
            )
        if not self._reasons or self._open - self._reasons.keys():
            raise ProcessingError(
                f"{self._where} ended before the answer did. Send the request again.", detail="cut"
            )
        for index, word in self._reasons.items():
            self._check(word, self._messages.get(index, ""))
        events: list[ChatEvent] = []
        if (usage := usage_of(self._used)) is not None:
            events.append(usage)
        word = self._reasons[min(self._reasons)]
        metadata: dict[str, Any] = {"model_name": self._model} if self._model else {}
        if word not in ("STOP", "MAX_TOKENS"):
            metadata["finish_reason"] = word
        return [*events, Finish(self._reason(word), metadata=metadata or None)]

    def _reason(self, word: str) -> FinishReason:
        if word in _FILTERED:
            return "content_filter"
        if word == "MAX_TOKENS":
            return "length"
        return "tool_calls" if self._calls else "stop"

    def _check(self, word: str, message: str) -> None:
        told = f"{self._where} ended with {word}{f': {message}' if message else ''}."
        if word == _UNSIGNED:
            raise InputError(
                f"{told} Send tool calls back with the signature they came with, or set "
                "unsigned_calls.",
                field="messages",
            )
        if word in _FAILED:
            raise ProcessingError(f"{told} Send the request again.", detail="malformed")

    def _candidate(self, found: Any, events: list[ChatEvent]) -> None:
        if not isinstance(found, dict):
            return
        index = _number(found.get("index"))
        self._open.add(index)
        parts = _list(_dict(found, "content"), "parts")
        tokens = self._tokens(_dict(found, "logprobsResult"))
        for part in parts:
            if isinstance(part, dict):
                events += self._part(part, index, tokens)
                tokens = () if "text" in part and not part.get("thought") else tokens
        if tokens:  # without a text of their own
            events.append(TextDelta("", index, tokens))
        word = _text(found, "finishReason")
        if word and word != "FINISH_REASON_UNSPECIFIED":
            self._reasons[index] = word
            self._messages[index] = _text(found, "finishMessage")

    def _part(
        self, part: dict[str, Any], index: int, tokens: tuple[TokenLogprob, ...]
    ) -> list[ChatEvent]:
        proof = _text(part, "thoughtSignature")
        signature = MARK + proof if proof else ""
        if call := _dict(part, "functionCall"):
            return [self._call(call, index, signature)]
        events: list[ChatEvent] = []
        text = _text(part, "text")
        if text and part.get("thought"):
            events.append(ReasoningDelta(text, index))
        elif text:
            events.append(TextDelta(text, index, tokens))
        if signature:
            events.append(ReasoningDelta("", index, signature))
        return events

    def _call(self, call: dict[str, Any], index: int, signature: str) -> ToolCallDelta:
        """A call; it comes whole."""
        number = self._calls.get(index, 0)
        self._calls[index] = number + 1
        arguments = msgspec.json.encode(call.get("args") or {}).decode()
        id = _text(call, "id") or f"call_{new_id()}"
        name = _text(call, "name") or "unnamed"
        return ToolCallDelta(number, id, name, arguments, index, signature)

    def _tokens(self, found: dict[str, Any]) -> tuple[TokenLogprob, ...]:
        tops = _list(found, "topCandidates")
        return tuple(
            TokenLogprob(
                _text(chosen, "token"),
                _logprob(chosen),
                tuple(
                    (_text(top, "token"), _logprob(top))
                    for top in _list(tops[i] if i < len(tops) else {}, "candidates")[: self._top]
                ),
            )
            for i, chosen in enumerate(_list(found, "chosenCandidates"))
        )


def usage_of(used: dict[str, Any]) -> Usage | None:
    """What was used, None when that is not told. Thinking is part of what was made."""
    if not used:
        return None
    thought = _number(_get(used, "thoughtsTokenCount"))
    return Usage(
        _number(_get(used, "promptTokenCount")) + _number(_get(used, "toolUsePromptTokenCount")),
        _number(_get(used, "candidatesTokenCount")) + thought,
        thought,
        _number(_get(used, "cachedContentTokenCount")),
    )


@cache
def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)


def _get(found: Any, name: str) -> Any:
    """A field in either spelling: both are used, even mixed."""
    if not isinstance(found, dict):
        return None
    value = found.get(name)
    return found.get(_snake(name)) if value is None else value


def _dict(found: Any, name: str) -> dict[str, Any]:
    value = _get(found, name)
    return value if isinstance(value, dict) else {}


def _list(found: Any, name: str) -> list[Any]:
    value = _get(found, name)
    return value if isinstance(value, list) else []


def _text(found: Any, name: str) -> str:
    value = _get(found, name)
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    """A count; large numbers may come as text."""
    return int(finite(value) or 0)


def _logprob(found: Any) -> float:
    value = _get(found, "logProbability")
    return finite(value) or 0.0
