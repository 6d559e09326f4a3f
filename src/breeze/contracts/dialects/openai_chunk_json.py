"""The JSON of OpenAI's chat completions answer, as types. They are lenient: see `ChunkReader`."""

from __future__ import annotations

from typing import Any

import msgspec


class FunctionPiece(msgspec.Struct, gc=False):
    """What is called; some servers send `arguments` as an object."""

    name: str | None = None
    arguments: Any = None


class CallPiece(msgspec.Struct, gc=False):
    """Part of a tool call."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece | None = None

    def called(self) -> tuple[str, str]:
        """Name and arguments in this part; arguments that came as an object become text."""
        if self.function is None:
            return "", ""
        arguments = self.function.arguments
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        return self.function.name or "", arguments


class LogprobJson(msgspec.Struct, gc=False):
    """A token with its natural log probability."""

    token: str = ""
    logprob: float | None = None
    top_logprobs: list[LogprobJson] | None = None


class LogprobsJson(msgspec.Struct, gc=False):
    """The tokens of a delta."""

    content: list[LogprobJson] | None = None


class Delta(msgspec.Struct, gc=False):
    """What is new in a choice."""

    content: Any = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: Any = None
    reasoning_details: list[dict[str, Any]] | None = None
    tool_calls: list[CallPiece] | None = None

    def text(self) -> str:
        """The new text; content may be text or a list of parts."""
        if type(self.content) is str:  # by far the most frequent
            return self.content
        return _joined(self.content, "text") if isinstance(self.content, list) else ""

    def reasoning_text(self) -> str:
        """The new reasoning, from the first of its names that holds any."""
        if self.reasoning_content:
            return self.reasoning_content
        if isinstance(self.reasoning, str) and self.reasoning:
            return self.reasoning
        return _joined(self.reasoning_details, "text") if self.reasoning_details else ""


def _joined(parts: list[Any], name: str) -> str:
    texts = (part.get(name) for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


class ChoiceJson(msgspec.Struct, gc=False):
    """What is new in one choice; `message` in whole answers."""

    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    logprobs: LogprobsJson | None = None


class PromptDetails(msgspec.Struct, gc=False):
    """Of the tokens of the prompt."""

    cached_tokens: int | None = None


class CompletionDetails(msgspec.Struct, gc=False):
    """Of the tokens of the answer."""

    reasoning_tokens: int | None = None


class UsageJson(msgspec.Struct, gc=False):
    """What was used; fields may be null."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    cost: float | None = None


class Chunk(msgspec.Struct, gc=False):
    """One event of a stream, or a whole answer; the last three are how servers report errors."""

    choices: list[ChoiceJson] | None = None
    usage: UsageJson | None = None
    model: str | None = None
    error: Any = None
    detail: Any = None
    message: Any = None
