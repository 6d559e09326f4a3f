"""What is sent for a request, and what had to be adjusted on the way."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.events import Adjusted
from breeze.contracts.messages import NamedTool, ResponseFormat, Tool
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.runners._ollama_messages import messages_json, policy_of
from breeze.runners._ollama_parameters import OllamaParameters

_SAMPLING = {
    "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed",
    "max_tokens": "num_predict", "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}  # fmt: skip
"""Fields of a request, and the options that they are."""
_EFFORT: dict[str, bool | str] = {
    "none": False, "minimal": "low", "low": "low", "medium": "medium", "high": "high",
}  # fmt: skip
_MOST_EFFORT = ("xhigh", "max")
_THINK: dict[str, bool | str] = {"off": False, "on": True}
_NO_CHOICE = "this server lets the model decide whether to call a tool"


async def chat_body(
    request: ChatRequest, model: str, parameters: OllamaParameters
) -> tuple[dict[str, Any], list[Adjusted]]:
    """The body of `/api/chat`, and what of the request is not in it. Raises InputError."""
    policy = policy_of(parameters.fetch_images)
    messages, notes = await messages_json(request.messages, policy)
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": not request.whole}
    if tools := _tools(request, notes):
        body["tools"] = [_tool_json(tool) for tool in tools]
    if (form := _format(request.response_format)) is not None:
        body["format"] = form
    if (think := _think(request.reasoning_effort, parameters.think, notes)) is not None:
        body["think"] = think
    if request.logprobs:
        body["logprobs"], body["top_logprobs"] = True, request.top_logprobs
    if options := _options(request, parameters):
        body["options"] = options
    notes += _unmet(request)
    return body | parameters.keeping() | _cutting(parameters), notes


def embed_body(request: EmbedRequest, model: str, parameters: OllamaParameters) -> dict[str, Any]:
    """The body of `/api/embed`."""
    body: dict[str, Any] = {"model": model, "input": request.texts}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if options := parameters.loading():
        body["options"] = options
    return body | parameters.keeping() | _cutting(parameters)


def _cutting(parameters: OllamaParameters) -> dict[str, bool]:
    """The server cuts what is too long unless it is told not to."""
    return {"truncate": parameters.truncate}


def _options(request: ChatRequest, parameters: OllamaParameters) -> dict[str, Any]:
    """What the request says counts before what the operator does."""
    asked = {ours: getattr(request, name) for name, ours in _SAMPLING.items()}
    found = parameters.loading() | parameters.sampling()
    found |= {name: value for name, value in asked.items() if value is not None}
    if request.stop:
        found["stop"] = request.stop
    return found


def _tools(request: ChatRequest, notes: list[Adjusted]) -> tuple[Tool, ...]:
    """The tools to offer: a choice that the server does not know is made by what it is offered."""
    choice = request.tool_choice
    if choice == "none":
        return ()
    if choice == "required" and request.tools:
        notes.append(Adjusted("tool_choice", choice, "auto", _NO_CHOICE))
    if isinstance(choice, NamedTool):
        notes.append(Adjusted("tool_choice", choice.name, "auto", f"{_NO_CHOICE} that is offered"))
        return tuple(tool for tool in request.tools if tool.name == choice.name)
    return request.tools


def _tool_json(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = tool.parameters
    return {"type": "function", "function": function}


def _format(wanted: ResponseFormat | None) -> Any:
    if wanted is None or wanted.kind == "text":
        return None
    return wanted.schema if wanted.kind == "json_schema" and wanted.schema else "json"


def _think(effort: str, usual: str, notes: list[Adjusted]) -> bool | str | None:
    """The request's effort, else the operator's; None leaves it to the model."""
    if effort in _EFFORT:
        return _EFFORT[effort]
    if effort in _MOST_EFFORT:
        why = "this server knows no higher one"
        notes.append(Adjusted("reasoning_effort", effort, "high", why))
        return "high"
    if effort:
        why = f"this server knows {', '.join(_EFFORT)} only"
        notes.append(Adjusted("reasoning_effort", effort, "", why))
    return None if usual == "auto" else _THINK.get(usual, usual)


def _unmet(request: ChatRequest) -> list[Adjusted]:
    """What the server has no setting for."""
    notes = []
    if request.n > 1:
        notes.append(Adjusted("n", request.n, 1, "this server gives one answer at a time"))
    if request.logit_bias:
        why = "this server has no such setting"
        notes.append(Adjusted("logit_bias", msgspec.to_builtins(request.logit_bias), {}, why))
    if request.parallel_tool_calls is False and request.tools:
        why = "this server lets the model decide how many tools it calls"
        notes.append(Adjusted("parallel_tool_calls", False, None, why))
    return notes
