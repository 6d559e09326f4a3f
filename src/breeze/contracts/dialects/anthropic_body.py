"""A request to Anthropic's Messages as it is written, and what had to be adjusted on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from breeze.contracts.dialects.anthropic_blocks import contents, turns_of
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import Message, NamedTool, Tool
from breeze.contracts.requests import ChatRequest

Json = dict[str, Any]
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_NO_WORD = "this dialect has no such field"


class Dialect(NamedTuple):
    """What differs between versions, models and wishes of the operator.

    `limit`: new tokens when the request does not say, for the dialect must. `sampling`: the
    model takes temperature, top_p and top_k. `system_turns`: a system message may stand anywhere.
    `thinking` and `cache`: the objects of these names, None to leave them out.
    """

    limit: int
    sampling: bool = False
    system_turns: bool = True
    thinking: Json | None = None
    cache: Json | None = None


def messages_body(request: ChatRequest, model: str, form: Dialect) -> tuple[Json, list[Adjusted]]:
    """`request` to `model`. Raises InputError for what cannot be said here."""
    adjusted: list[Adjusted] = []
    head, rest = _split(request.messages, form.system_turns, adjusted)
    body: Json = {"model": model, "max_tokens": request.max_tokens or form.limit}
    if head:
        body["system"] = _system(head, adjusted)
    body["messages"] = turns_of(rest, len(request.messages) - len(rest), adjusted)
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    body |= _tools(request)
    thinking = form.thinking
    output = _output(request, adjusted)
    if request.reasoning_effort == "none":
        thinking = {"type": "disabled"}
    given = {"thinking": thinking, "output_config": output, "cache_control": form.cache}
    body |= {name: value for name, value in given.items() if value}
    body |= _sampling(request, form.sampling, adjusted)
    _tell_the_rest(request, adjusted)
    return body, adjusted


def _split(
    messages: Sequence[Message], anywhere: bool, adjusted: list[Adjusted]
) -> tuple[list[Message], Sequence[Message]]:
    """The system's messages for the top, and the conversation."""
    first = next((i for i, m in enumerate(messages) if m.role != "system"), len(messages))
    head, rest = list(messages[:first]), messages[first:]
    late = [m for m in rest if m.role == "system"]
    if not late or anywhere:
        return head, rest
    why = "in this version what the system says stands before the conversation"
    adjusted.append(Adjusted("messages.role", "system", "system prompt", why))
    return head + late, [m for m in rest if m.role != "system"]


def _system(head: list[Message], adjusted: list[Adjusted]) -> str | list[Json]:
    found: list[Json] = []
    for index, message in enumerate(head):
        said = contents(message, f"messages[{index}]", adjusted)
        found += [{"type": "text", "text": said}] if isinstance(said, str) else said
    if len(found) == 1 and found[0]["type"] == "text":
        text: str = found[0]["text"]
        return text
    return found


def _tools(request: ChatRequest) -> Json:
    if not request.tools:
        return {}
    found: Json = {"tools": [_tool(tool) for tool in request.tools]}
    choice = request.tool_choice
    single = request.parallel_tool_calls is False
    if isinstance(choice, NamedTool):
        said: Json = {"type": "tool", "name": choice.name}
    else:
        said = {"type": {"required": "any"}.get(choice, choice)}
    if single and choice != "none":
        said["disable_parallel_tool_use"] = True
    return found if said == {"type": "auto"} else found | {"tool_choice": said}


def _tool(tool: Tool) -> Json:
    found: Json = {"name": tool.name}
    if tool.description:
        found["description"] = tool.description
    found["input_schema"] = {"type": "object", **tool.parameters}
    return found | {"strict": True} if tool.strict else found


def _output(request: ChatRequest, adjusted: list[Adjusted]) -> Json:
    output: Json = {}
    effort = request.reasoning_effort
    if effort in _EFFORTS:
        output["effort"] = effort
    elif effort and effort != "none":
        used = "low" if effort == "minimal" else None
        output |= {"effort": used} if used else {}
        why = f"known here: {', '.join(_EFFORTS)}"
        adjusted.append(Adjusted("reasoning_effort", effort, used, why))
    wanted = request.response_format
    if wanted is not None and wanted.kind == "json_schema":
        output["format"] = {"type": "json_schema", "schema": wanted.schema or {}}
    elif wanted is not None and wanted.kind == "json_object":
        why = "JSON needs a schema here: use json_schema"
        adjusted.append(Adjusted("response_format", "json_object", "text", why))
    return output


def _sampling(request: ChatRequest, allowed: bool, adjusted: list[Adjusted]) -> Json:
    found: Json = {}
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(request, name)
        if value is None:
            continue
        if not allowed:
            why = "newer models and versions refuse it; see the parameter sampling"
            adjusted.append(Adjusted(name, value, None, why))
        elif name == "temperature" and value > 1:
            adjusted.append(Adjusted(name, value, 1.0, "1 is the highest here"))
            found[name] = 1.0
        else:
            found[name] = value
    return found


def _tell_the_rest(request: ChatRequest, adjusted: list[Adjusted]) -> None:
    """Name every wish that nothing above honours."""
    if request.n > 1:
        adjusted.append(Adjusted("n", request.n, 1, "one answer a request here"))
    for name in ("seed", "presence_penalty", "frequency_penalty"):
        if (value := getattr(request, name)) is not None:
            adjusted.append(Adjusted(name, value, None, _NO_WORD))
    if request.logit_bias:
        adjusted.append(Adjusted("logit_bias", request.logit_bias, None, _NO_WORD))
    if request.logprobs:
        adjusted.append(Adjusted("logprobs", True, False, _NO_WORD))
    if request.top_logprobs:
        adjusted.append(Adjusted("top_logprobs", request.top_logprobs, 0, _NO_WORD))
