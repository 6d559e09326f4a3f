"""How a chat request is generated: settings for the model, and what had to be adjusted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import ChatRequest
from breeze.runners._transformers_model import LanguageModel
from breeze.runners._transformers_parameters import TransformersParameters

_WHY = {
    "presence_penalty": "it knows no such penalty: use the parameter repeat_penalty",
    "frequency_penalty": "it knows no such penalty: use the parameter repeat_penalty",
    "logprobs": "it tells none",
    "top_logprobs": "it tells none",
    "reasoning_effort": "the model has no such setting",
    "response_format": "the text is not bound to a format",
    "parallel_tool_calls": "it calls no tools",
}
_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(ChatRequest)}
SEEDS = 2**32 - 1


class Settings(NamedTuple):
    """`generation` goes to the model's `generate`; `tokens` is the most of one answer."""

    generation: dict[str, Any]
    tokens: int
    seed: int | None
    notes: list[Adjusted]


def settings(
    request: ChatRequest, p: TransformersParameters, model: LanguageModel, prompt: int
) -> Settings:
    """The settings for a prompt of that many tokens. Raises InputError."""
    if request.tools and request.tool_choice != "none":
        raise InputError(
            "transformers cannot call tools here: leave tools out, or choose another runner.",
            field="tools",
        )
    notes = list(_unmet(request))
    tokens = asked = request.max_tokens or p.max_tokens
    if asked > (room := model.context - prompt):
        tokens = room
        if request.max_tokens is not None:
            why = f"the prompt takes {prompt} of {model.context} tokens"
            notes.append(Adjusted("max_tokens", asked, room, why))
    seed = request.seed if request.seed is not None else p.seed
    if seed is not None and not 0 <= seed < SEEDS:
        notes.append(Adjusted("seed", seed, seed % SEEDS, "seeds have 32 bits"))
        seed %= SEEDS
    generation = {"max_new_tokens": tokens, **_sampling(request, p), **_bias(request, model)}
    return Settings(generation, tokens, seed, notes)


def _sampling(request: ChatRequest, p: TransformersParameters) -> dict[str, Any]:
    """What was asked for; the model's own recommendation counts for the rest."""
    wished = {name: _either(request, p, name) for name in ("temperature", "top_p", "top_k")}
    given = {name: value for name, value in wished.items() if value is not None}
    if p.repeat_penalty is not None:
        given["repetition_penalty"] = p.repeat_penalty
    if given.get("temperature") == 0 or given.get("top_p") == 0:
        dropped = ("temperature", "top_p", "top_k")
        greedy = {"do_sample": False, **dict.fromkeys(dropped)}
        return {k: v for k, v in given.items() if k not in dropped} | greedy
    if given.keys() & {"temperature", "top_p", "top_k"}:
        given["do_sample"] = True
    return given


def _either(request: ChatRequest, p: TransformersParameters, name: str) -> Any:
    value = getattr(request, name)
    return value if value is not None else getattr(p, name)


def _bias(request: ChatRequest, model: LanguageModel) -> dict[str, Any]:
    for token in request.logit_bias:
        if not token.isdecimal() or int(token) >= model.vocabulary:
            raise InputError(
                f"logit_bias.{token}: must be a token id below {model.vocabulary}.",
                field=f"logit_bias.{token}",
            )
    bias = {(int(token),): float(value) for token, value in request.logit_bias.items()}
    return {"sequence_bias": bias} if bias else {}


def _unmet(request: ChatRequest) -> Iterator[Adjusted]:
    for name, why in _WHY.items():
        value = getattr(request, name)
        if value not in (_DEFAULTS[name], None, 0, 0.0):
            yield Adjusted(name, msgspec.to_builtins(value), None, why)
