"""The request for a chat: a conversation to continue."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.events import ChatEvent
from breeze.contracts.messages import Message, NamedTool, ResponseFormat, Tool, ToolChoice
from breeze.contracts.request import LONGEST_NAME, Problem, Request, between

MOST_MESSAGES = 4096
"""Of one conversation: what templates make of more takes a runtime minutes."""
_CHAT_RANGES = (
    ("temperature", 0, 2), ("top_p", 0, 1), ("top_k", 0, 1_000_000), ("max_tokens", 1, 10_000_000),
    ("n", 1, 16), ("presence_penalty", -2, 2), ("frequency_penalty", -2, 2),
    ("top_logprobs", 0, 20),
)  # fmt: skip

_told_again = attrgetter("model", "runner", "deadline", *(name for name, _, _ in _CHAT_RANGES))
"""What most callers say in the same words every time."""


@lru_cache(maxsize=1024)
def _usual(told: tuple[Any, ...]) -> bool:
    """Whether what `_told_again` gives is sound, as far as a glance can tell."""
    model, runner, deadline, *values = told
    ranged = zip(values, _CHAT_RANGES, strict=True)
    in_range = all(value is None or low <= value <= high for value, (_, low, high) in ranged)
    names = len(model) <= LONGEST_NAME and len(runner) <= LONGEST_NAME
    return in_range and names and deadline is None and not values[-1]  # top_logprobs needs another


class ChatRequest(Request[ChatEvent], frozen=True, tag="chat"):
    """A conversation to continue. One that holds an image *is* a VLM request.

    Ranges: temperature 0-2, top_p 0-1, penalties -2 to 2, max_tokens from 1, n 1-16,
    top_logprobs 0-20. `stop`: up to 16 texts that end the answer and are not part of it.
    """

    capability = Capability.LLM

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] = msgspec.field(default_factory=dict)
    logprobs: bool = False
    top_logprobs: int = 0
    reasoning_effort: str = ""

    @classmethod
    def of(cls, text: str, *, system: str = "", **fields: Any) -> ChatRequest:
        """One user message, with an optional system message before it."""
        turns = [Message("system", system)] if system else []
        return cls((*turns, Message("user", text)), **fields)

    @property
    def needs(self) -> Capability:
        for message in self.messages:
            if type(message.content) is not str and message.images:
                return Capability.VLM
        return Capability.LLM

    def sound(self) -> bool:
        for message in self.messages:
            if type(message.content) is not str or message.role == "tool" or message.tool_calls:
                return False
        return (
            0 < len(self.messages) <= MOST_MESSAGES
            and 0 < len(self.id) <= 128
            and len(self.session_id) <= LONGEST_NAME
            and not self.stop
            and self.tool_choice == "auto"
            and _usual(_told_again(self))
        )

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from self._message_problems()
        for name, low, high in _CHAT_RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                yield from between(name, value, low, high)
        if len(self.stop) > 16 or not all(self.stop):
            yield "stop", "must be at most 16 texts, none of them empty"
        if self.top_logprobs and not self.logprobs:
            yield "top_logprobs", "needs logprobs to be true"
        if isinstance(self.tool_choice, NamedTool) and self.tool_choice.name not in {
            tool.name for tool in self.tools
        }:
            yield "tool_choice", f"names {self.tool_choice.name!r}, which is not in tools"

    def _message_problems(self) -> Iterator[Problem]:
        if not self.messages:
            yield "messages", "is empty: give at least one message"
        if len(self.messages) > MOST_MESSAGES:
            yield "messages", f"are {len(self.messages)}, must be at most {MOST_MESSAGES}"
            return
        for i, message in enumerate(self.messages):
            if message.role == "tool" and not message.tool_call_id:
                yield f"messages[{i}].tool_call_id", "is needed in a tool message"
            if message.tool_calls and message.role != "assistant":
                yield f"messages[{i}].tool_calls", "belongs to an assistant message"
            for j, image in enumerate(message.images if type(message.content) is tuple else ()):
                if bool(image.data) == bool(image.url):
                    yield f"messages[{i}].images[{j}]", "needs either data or url"
