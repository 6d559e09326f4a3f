"""A chat request as llama.cpp takes it, and what had to be adjusted on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from breeze.contracts.dialects.openai import chat_to_json
from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import (
    ImagePart,
    Message,
    NamedTool,
    Part,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)
from breeze.contracts.requests import ChatRequest
from breeze.runners._llamacpp_models import LlamaModel
from breeze.runners._llamacpp_parameters import LlamaCppParameters
from breeze.runners._llamacpp_schema import nesting, obeyable

_DEFAULTS = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "seed")
MAX_TOOLS, MAX_NESTING = 128, 100
SEEDS = 2**32 - 1
"""llama.cpp's seeds; the next one means random."""


def prepare(
    request: ChatRequest, parameters: LlamaCppParameters, model: LlamaModel
) -> tuple[dict[str, Any], list[Adjusted]]:
    """The body of one answer to `request`. Raises InputError for what the model cannot do."""
    adjusted = list(_unused(request, parameters))
    sees = model.projector is not None
    messages = tuple(_plain(m, f"messages[{i}]", sees=sees) for i, m in enumerate(request.messages))
    if parameters.system_prompt and not any(m.role == "system" for m in messages):
        messages = (Message("system", parameters.system_prompt), *messages)
    request = replace(
        request,
        messages=messages,
        n=1,
        response_format=_format(request, adjusted),
        **_tools(request, model),
    )
    _check_bias(request, model)
    body = chat_to_json(request, stream=True, return_progress=True)
    body["stream_options"] = {"include_usage": True}
    for name in _DEFAULTS:
        if body.get(name) is None and (value := getattr(parameters, name)) is not None:
            body[name] = value
    if parameters.adapter_scale is not None:
        scale = parameters.adapter_scale
        body["lora"] = [{"id": n, "scale": scale} for n in range(len(parameters.loras))]
    _fit_seed(body, adjusted)
    _fit_logprobs(body, adjusted)
    _fit_reasoning(body, model, adjusted)
    return body, adjusted


def _unused(request: ChatRequest, parameters: LlamaCppParameters) -> Iterator[Adjusted]:
    """What of the request changes nothing in a chat."""
    if parameters.query:
        yield Adjusted("params.query", parameters.query, "", "it is for models that rank texts")
    for i, message in enumerate(request.messages):
        for j, part in enumerate(message.parts):
            if isinstance(part, ImagePart) and part.detail != "auto":
                why = "all pictures are looked at alike"
                yield Adjusted(f"messages[{i}].content[{j}].detail", part.detail, "auto", why)


def _plain(message: Message, path: str, *, sees: bool) -> Message:
    """The message with what a template can take: text, and pictures where a user shows them."""
    shown = sees and message.role in ("user", "tool")
    for i, part in enumerate(message.parts):
        if isinstance(part, ImagePart) and shown:
            continue
        if not isinstance(part, TextPart):
            reads = "sees pictures of users only" if sees else "reads text only"
            raise InputError(
                f"{path}.content[{i}]: this model {reads}; choose one for this part.",
                field=f"{path}.content[{i}]",
            )
    calls = tuple(
        replace(call, arguments=_arguments(call, f"{path}.tool_calls[{i}].arguments"))
        for i, call in enumerate(message.tool_calls)
    )
    content = _ended(message) if message.images else message.text
    return replace(message, content=content, tool_calls=calls)


def _ended(message: Message) -> tuple[Part, ...]:
    """The parts with text behind the last picture: a prompt that ended in one would end llama.cpp
    and its whole process.
    """
    parts = message.parts
    return parts if isinstance(parts[-1], TextPart) and parts[-1].text else (*parts, TextPart("\n"))


def _arguments(call: ToolCall, field: str) -> str:
    """The arguments of an earlier call, which templates read as JSON."""
    try:
        if nesting(msgspec.json.decode(call.arguments or "{}")) > MAX_NESTING:
            raise InputError(f"{field}: is nested deeper than {MAX_NESTING}.", field=field)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"{field}: must be JSON: {error}.", field=field) from error
    return call.arguments or "{}"


def _tools(request: ChatRequest, model: LlamaModel) -> dict[str, Any]:
    """The tools to offer. llama.cpp knows no named choice: one tool, required, is the same."""
    if not request.tools or request.tool_choice == "none":
        return {"tools": (), "tool_choice": "auto"}
    if request.response_format is not None and request.response_format.kind != "text":
        raise InputError(
            "llama.cpp cannot bind the text to a format and offer tools at once: leave one out.",
            field="response_format",
        )
    if not model.takes_tools:
        raise InputError(
            f"{model.id} cannot call tools: its chat template has no place for them. "
            "Choose another model, or leave tools out.",
            field="tools",
        )
    if len(request.tools) > MAX_TOOLS:
        raise InputError(f"tools: {len(request.tools)} are more than {MAX_TOOLS}.", field="tools")
    offered = tuple(_tool(tool, f"tools[{i}].parameters") for i, tool in enumerate(request.tools))
    named = request.tool_choice
    if isinstance(named, NamedTool):
        only = tuple(tool for tool in offered if tool.name == named.name)
        return {"tools": only, "tool_choice": "required"}
    return {"tools": offered, "parallel_tool_calls": request.parallel_tool_calls is not False}


def _tool(tool: Tool, field: str) -> Tool:
    schema, lost = obeyable(tool.parameters, field)
    if lost and tool.strict:
        raise _not_obeyed(lost, field)
    return replace(tool, parameters=schema)


def _format(request: ChatRequest, adjusted: list[Adjusted]) -> ResponseFormat | None:
    """The format with a schema that llama.cpp can obey."""
    wanted, field = request.response_format, "response_format.schema"
    if wanted is None or wanted.kind != "json_schema":
        return wanted
    if not wanted.schema:
        raise InputError(f"{field} is needed (for any object, ask for json_object).", field=field)
    schema, lost = obeyable(wanted.schema, field)
    if lost and wanted.strict:
        raise _not_obeyed(lost, field)
    if lost:
        adjusted.append(Adjusted(field, lost, [], "llama.cpp cannot enforce these keywords"))
    return replace(wanted, schema=schema)


def _not_obeyed(lost: list[str], field: str) -> InputError:
    return InputError(
        f"{field}: llama.cpp cannot enforce {', '.join(lost)}: leave it out, or set strict to "
        "false.",
        field=f"{field}.{lost[0]}",
    )


def _check_bias(request: ChatRequest, model: LlamaModel) -> None:
    for token in request.logit_bias:
        if not token.isdecimal() or int(token) >= model.vocabulary:
            raise InputError(
                f"logit_bias.{token}: must be a token id below {model.vocabulary}.",
                field=f"logit_bias.{token}",
            )


def _fit_seed(body: dict[str, Any], adjusted: list[Adjusted]) -> None:
    seed = body.get("seed")
    body["cache_prompt"] = seed is None  # a reused prompt may change the last bits of the numbers
    if seed is not None and not 0 <= seed < SEEDS:
        body["seed"] = seed % SEEDS
        adjusted.append(Adjusted("seed", seed, body["seed"], "llama.cpp has seeds of 32 bits"))


def _fit_logprobs(body: dict[str, Any], adjusted: list[Adjusted]) -> None:
    if body.get("logprobs") and body.get("tools"):
        del body["logprobs"], body["top_logprobs"]
        adjusted.append(
            Adjusted("logprobs", True, False, "llama.cpp gives none in streams with tools")
        )
    elif body.get("logprobs"):
        body["top_logprobs"] = max(1, body["top_logprobs"])  # 0 would switch logprobs off


def _fit_reasoning(body: dict[str, Any], model: LlamaModel, adjusted: list[Adjusted]) -> None:
    if (effort := body.pop("reasoning_effort", "")) == "":
        return
    if "reasoning_effort" in model.template:
        body["chat_template_kwargs"] = {"reasoning_effort": effort}
    else:
        why = "the model's chat template has no such setting"
        adjusted.append(Adjusted("reasoning_effort", effort, "", why))
