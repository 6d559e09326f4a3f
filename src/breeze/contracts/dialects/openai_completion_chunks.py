"""The events of completions as OpenAI's chunks; those of several prompts share one stream."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.dialects.openai_answer import DONE, usage_json, withdrawal_json
from breeze.contracts.dialects.openai_completion_json import Completions, logprobs_json
from breeze.contracts.events import AnyEvent, Finish, ReasoningDelta, Redacted, Restarted, TextDelta
from breeze.contracts.values import Usage

_encode = msgspec.json.Encoder().encode


class CompletionChunks:
    """Writes one stream. `usage`: the caller asked for the figures in a chunk of their own."""

    def __init__(
        self, asked: Completions, id: str, created: int, model: str, *, usage: bool
    ) -> None:
        self._asked = asked
        self._before = b'data: {"id":%b,"object":"text_completion","created":%d,"model":%b,' % (
            _encode(id),
            created,
            _encode(model),
        )
        self._after = b',"usage":null}\n\n' if usage else b"}\n\n"
        self._usage = usage
        self._offsets: dict[int, int] = {}

    def first(self, adjustments: list[Any]) -> bytes:
        """The chunk that opens the stream: the prompts when they are to be repeated."""
        echoed = [piece for i in range(len(self._asked.prompts)) for piece in self._echoed(i)]
        return self._chunk(echoed or [_piece(0, "")], _ours({"adjustments": adjustments}))

    def adjusted(self, prompt: int, adjustment: Any) -> bytes:
        """Something that was adjusted after the opening chunk had gone."""
        opened = [_piece(self._asked.index(prompt, 0), "")]
        return self._chunk(opened, _ours({"adjustments": [adjustment]}))

    def piece(self, prompt: int, event: AnyEvent) -> bytes:
        """One event of a prompt's answer; nothing for those that the dialect has no place for."""
        if isinstance(event, TextDelta):
            index = self._asked.index(prompt, event.choice)
            offset = self._offsets.get(index, 0)
            self._offsets[index] = offset + len(event.text)
            return self._chunk([_piece(index, event.text, logprobs_json(event.logprobs, offset))])
        if isinstance(event, ReasoningDelta):
            index = self._asked.index(prompt, event.choice)
            return self._chunk([_piece(index, "") | {"reasoning_content": event.text}])
        if isinstance(event, Finish):
            return self._chunk([_piece(i, "", reason=event.reason) for i in self._indexes(prompt)])
        if isinstance(event, Restarted | Redacted):
            said = {**withdrawal_json(event), "choices": self._indexes(prompt)}
            withdrawn = self._chunk([], _ours(said))
            again = self._echoed(prompt) if isinstance(event, Restarted) else []
            return withdrawn + (self._chunk(again) if again else b"")
        return b""

    def last(self, usage: Usage) -> bytes:
        """The usage when asked for, and the end."""
        if not self._usage:
            return DONE
        return self._before + b'"choices":[],"usage":%b}\n\n' % _encode(usage_json(usage)) + DONE

    def _indexes(self, prompt: int) -> list[int]:
        return [self._asked.index(prompt, choice) for choice in range(self._asked.n)]

    def _echoed(self, prompt: int) -> list[dict[str, Any]]:
        """The beginning of a prompt's answers: the prompt itself, when that was asked for."""
        text = self._asked.prompts[prompt] if self._asked.echo else ""
        self._offsets.update(dict.fromkeys(self._indexes(prompt), len(text)))
        return [_piece(index, text) for index in self._indexes(prompt)] if text else []

    def _chunk(self, choices: list[dict[str, Any]], more: bytes = b"") -> bytes:
        return self._before + b'"choices":' + _encode(choices) + more + self._after


def _piece(
    index: int, text: str, logprobs: dict[str, Any] | None = None, reason: str | None = None
) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}


def _ours(value: dict[str, Any]) -> bytes:
    """The extension field of a chunk."""
    return b',"breeze":' + _encode(value)
