"""A chat request as the runtime's search options, and what had to be adjusted on the way."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import ChatRequest
from breeze.runners._onnx_parameters import OnnxParameters
from breeze.runners._plain_chat import refuse_tools, unmet

SEEDS = 2**31
_UNKNOWN = (
    "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs",
    "reasoning_effort",
)  # fmt: skip


class Plan(NamedTuple):
    """How to answer: `grammar` is a JSON schema that binds the text, `most` a limit in tokens."""

    options: dict[str, Any]
    most: int | None
    grammar: str
    adjusted: list[Adjusted]


def plan(request: ChatRequest, parameters: OnnxParameters, vocabulary: int) -> Plan:
    """The options for `request`. Raises InputError for tools and for an empty schema."""
    refuse_tools(request, "onnx")
    adjusted = unmet(request, _UNKNOWN, "onnxruntime-genai has no such option")
    options: dict[str, Any] = {}
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(request, name)
        value = getattr(parameters, name) if value is None else value
        if value is not None:
            options[name] = value
    if options:
        options["do_sample"] = options.get("temperature") != 0
    if options.get("temperature") == 0:
        options = {"do_sample": False}
    if options.get("top_k", 0) > vocabulary > 0:  # the same as all of them
        options["top_k"] = 0
    if parameters.repeat_penalty is not None:
        options["repetition_penalty"] = parameters.repeat_penalty
    _seed(request, parameters, options, adjusted)
    most = request.max_tokens if request.max_tokens is not None else parameters.max_tokens
    return Plan(options, most, _grammar(request), adjusted)


def _seed(
    request: ChatRequest,
    parameters: OnnxParameters,
    options: dict[str, Any],
    adjusted: list[Adjusted],
) -> None:
    seed = request.seed if request.seed is not None else parameters.seed
    if seed is None:
        return
    options["random_seed"] = seed % SEEDS
    if seed != seed % SEEDS:
        why = "the runtime has seeds of 31 bits"
        adjusted.append(Adjusted("seed", seed, seed % SEEDS, why))


def _grammar(request: ChatRequest) -> str:
    """The schema that the text must obey, as JSON; empty for free text."""
    wanted, field = request.response_format, "response_format.schema"
    if wanted is None or wanted.kind == "text":
        return ""
    if wanted.kind == "json_object":
        return '{"type":"object"}'
    if not wanted.schema:
        raise InputError(f"{field} is needed (for any object, ask for json_object).", field=field)
    return msgspec.json.encode(wanted.schema).decode()
