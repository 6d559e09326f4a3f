"""One line of an answer as types. Lenient: null, empty and missing mean the same."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.request import new_id
from breeze.contracts.values import TokenLogprob, Usage


class _Function(msgspec.Struct):
    """What is called; arguments are an object, from some servers text."""

    name: str | None = None
    arguments: dict[str, Any] | str | None = None


class _Call(msgspec.Struct):
    """A whole tool call."""

    function: _Function | None = None
    id: str | None = None

    def parts(self) -> tuple[str, str, str]:
        """Id (made when there is none), name, and arguments as JSON text."""
        function = self.function or _Function()
        given = function.arguments
        text = given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()
        return self.id or f"call_{new_id()}", function.name or "", text


class _Message(msgspec.Struct):
    """What the model said."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None


class _Token(msgspec.Struct):
    """A token with its probability."""

    token: str = ""
    logprob: float | None = None
    top_logprobs: list[_Token] | None = None


class Line(msgspec.Struct):
    """One line. `error` and `done` end the answer; counts and durations (ns) come with `done`."""

    message: _Message | None = None
    model: str | None = None
    done: bool | None = None
    done_reason: str | None = None
    error: Any = None
    logprobs: list[_Token] | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None

    def usage(self) -> Usage | None:
        """Tokens read and made; None when neither is told."""
        if self.prompt_eval_count is None and self.eval_count is None:
            return None
        return Usage(self.prompt_eval_count or 0, self.eval_count or 0)

    def tokens(self, top: int) -> tuple[TokenLogprob, ...]:
        """The tokens of the text, each with at most `top` others."""
        return tuple(
            TokenLogprob(
                token.token,
                token.logprob or 0.0,
                tuple((t.token, t.logprob or 0.0) for t in (token.top_logprobs or ())[:top]),
            )
            for token in self.logprobs or ()
        )

    def facts(self) -> dict[str, Any]:
        """Metadata of the end."""
        found: dict[str, Any] = {"model_name": self.model} if self.model else {}
        if self.prompt_eval_count is not None:
            found["prompt_tokens"] = self.prompt_eval_count
        if self.eval_count is not None:
            found |= {"tokens_generated": self.eval_count, "token_count": self.eval_count}
            if self.eval_duration and self.eval_duration > 0:
                found["generation_speed"] = round(self.eval_count * 1e9 / self.eval_duration, 1)
        return found


read_line = msgspec.json.Decoder(Line).decode
