"""A chat request as Gemini takes it, and what had to be adjusted on the way."""

from __future__ import annotations

from typing import Any

from breeze.contracts.events import Adjusted
from breeze.contracts.messages import NamedTool, Tool
from breeze.contracts.requests import ChatRequest
from breeze.runners._google_parameters import GoogleParameters
from breeze.runners._google_parts import Json, contents_of

_SAME = {
    "temperature": "temperature", "top_p": "topP", "top_k": "topK", "seed": "seed",
    "max_tokens": "maxOutputTokens", "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}  # fmt: skip
_LEVELS = {
    "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH",
}  # fmt: skip
_NEAR = {"none": "MINIMAL", "xhigh": "HIGH", "max": "HIGH"}
"""The nearest level for what has none."""
_BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24_576}
_HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
_RESOLUTIONS = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}


def prepare(request: ChatRequest, p: GoogleParameters) -> tuple[Json, list[Adjusted]]:
    """The body. Raises InputError for what cannot be said here."""
    adjusted: list[Adjusted] = []
    system, contents = contents_of(request.messages, p.unsigned_calls, adjusted)
    body: Json = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": system}
    body |= _tools(request, adjusted)
    if p.safety != "auto":
        harms = (f"HARM_CATEGORY_{harm}" for harm in _HARMS)
        body["safetySettings"] = [{"category": c, "threshold": p.safety} for c in harms]
    if settings := _settings(request, p, adjusted):
        body["generationConfig"] = settings
    if request.logit_bias:
        why = "this server has no such setting"
        adjusted.append(Adjusted("logit_bias", request.logit_bias, None, why))
    return body, adjusted


def _tools(request: ChatRequest, adjusted: list[Adjusted]) -> Json:
    if request.parallel_tool_calls is not None and request.tools:
        why = "the model decides how many tools it calls at once"
        adjusted.append(Adjusted("parallel_tool_calls", request.parallel_tool_calls, None, why))
    if not request.tools:
        return {}
    if any(tool.strict for tool in request.tools):
        why = "schemas of tools are not enforced here"
        adjusted.append(Adjusted("tools.strict", True, False, why))
    found: Json = {"tools": [{"functionDeclarations": [_tool(tool) for tool in request.tools]}]}
    choice = request.tool_choice
    if choice == "auto":
        return found
    if isinstance(choice, NamedTool):
        calling: Json = {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    else:
        calling = {"mode": "ANY" if choice == "required" else "NONE"}
    return found | {"toolConfig": {"functionCallingConfig": calling}}


def _tool(tool: Tool) -> Json:
    found: Json = {"name": tool.name}
    if tool.description:
        found["description"] = tool.description
    if tool.parameters:
        found["parametersJsonSchema"] = tool.parameters
    return found


def _settings(request: ChatRequest, p: GoogleParameters, adjusted: list[Adjusted]) -> Json:
    found: Json = {
        theirs: value
        for ours, theirs in _SAME.items()
        if (value := getattr(request, ours)) is not None
    }
    if request.stop:
        found["stopSequences"] = list(request.stop)
    if request.n > 1:
        found["candidateCount"] = request.n
    if request.logprobs:
        found["responseLogprobs"] = True
        if request.top_logprobs:
            found["logprobs"] = request.top_logprobs
    wanted = request.response_format
    if wanted is not None and wanted.kind != "text":
        found["responseMimeType"] = "application/json"
        if wanted.schema and wanted.kind == "json_schema":
            found["responseJsonSchema"] = wanted.schema
    if thinking := _thinking(request.reasoning_effort, p, adjusted):
        found["thinkingConfig"] = thinking
    return found | _resolution(request, adjusted)


def _thinking(effort: str, p: GoogleParameters, adjusted: list[Adjusted]) -> Json:
    found: Json = {"includeThoughts": True} if p.thoughts else {}
    budget = p.effort_as == "budget"
    if not effort:
        return found
    if budget:
        name, known, near = "thinkingBudget", _BUDGETS, {"xhigh": 24_576, "max": 24_576}
    else:
        name, known, near = "thinkingLevel", _LEVELS, _NEAR  # type: ignore[assignment]
    used: Any = known.get(effort)
    if used is None:
        used = near.get(effort)
        why = f"known here: {', '.join(known)}; see the parameter effort_as"
        adjusted.append(Adjusted("reasoning_effort", effort, used, why))
    return found if used is None else found | {name: used}


def _resolution(request: ChatRequest, adjusted: list[Adjusted]) -> Json:
    """One resolution for all pictures, the highest that was asked for."""
    asked = {image.detail for message in request.messages for image in message.images}
    detail = next((d for d in ("high", "low") if d in asked and d in _RESOLUTIONS), None)
    if detail is None:
        return {}
    if len(asked) > 1:
        why = "all pictures have one detail here"
        adjusted.append(Adjusted("messages.detail", sorted(asked), detail, why))
    return {"mediaResolution": _RESOLUTIONS[detail]}
