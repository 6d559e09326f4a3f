"""How one server wants its chat requests: made once of the parameters, read for every request."""

from __future__ import annotations

from typing import Any

from breeze.runners._openai_parameters import OpenAIParameters

_AT_HOME = ("top_k", "stop_over_4")
"""What OpenAI's own servers refuse."""


class Wire:
    """The wishes of a server. `plain`: it has none but the name of the limit.

    `without`: fields of a request that it does not take. `reasoning`: its name for the reasoning
    of earlier answers, "" for none. `prefill`: how it is asked to continue an answer.
    """

    __slots__ = (
        "limit_field", "more", "plain", "prefill", "reasoning", "seed_field", "think", "usage",
        "without",
    )  # fmt: skip

    def __init__(self, parameters: OpenAIParameters) -> None:
        home = parameters.at_home
        limit, reasoning = parameters.limit_field, parameters.reasoning_field
        if limit == "auto":
            limit = "max_completion_tokens" if home else "max_tokens"
        if reasoning == "auto":
            reasoning = "none" if home else "reasoning_content"
        self.limit_field = limit
        self.reasoning = "" if reasoning == "none" else reasoning
        self.usage = parameters.usage
        self.without: tuple[str, ...] = (*parameters.without, *(_AT_HOME if home else ()))
        self.seed_field = parameters.seed_field
        self.prefill = parameters.prefill
        self.think = parameters.think_tags
        self.more: dict[str, Any] = parameters.more()
        usual = self.reasoning == "reasoning_content" and self.seed_field == "seed"
        self.plain = usual and not (self.without or self.more or self.prefill or self.think)
