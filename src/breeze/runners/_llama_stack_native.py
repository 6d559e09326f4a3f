"""The chat of the oldest servers, which have nothing of OpenAI's: their own request and answer."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from breeze.contracts.answers import FinishReason
from breeze.contracts.errors import InputError, ProcessingError
from breeze.contracts.events import Adjusted, ChatEvent, Finish, TextDelta, ToolCallDelta, Usage
from breeze.contracts.messages import FilePart, ImagePart, Message, NamedTool, TextPart, Tool
from breeze.contracts.requests import ChatRequest
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._llama_stack_parameters import LlamaStackParameters

PATH = "/v1/inference/chat-completion"
_LOST: dict[str, Any] = {
    "n": 1, "seed": None, "presence_penalty": None, "frequency_penalty": None, "logit_bias": {},
    "logprobs": False, "top_logprobs": 0, "parallel_tool_calls": None, "reasoning_effort": "",
}  # fmt: skip
_REASONS: dict[str, FinishReason] = {"out_of_tokens": "length", "end_of_message": "tool_calls"}


def native_body(
    request: ChatRequest, p: LlamaStackParameters, model: str
) -> tuple[dict[str, Any], list[Adjusted]]:
    """The body, and what of the request it cannot say. Raises InputError for odd parts."""
    why = "the server's own protocol has no such setting"
    adjusted = [
        Adjusted(name, value, default, why)
        for name, default in _LOST.items()
        if (value := getattr(request, name)) != default
    ]
    if request.top_k and request.temperature:
        alone = "the server's own protocol takes top_k alone"
        adjusted.append(Adjusted("temperature", request.temperature, None, alone))
    limit = request.max_tokens or p.max_tokens
    sampling: dict[str, Any] = {"strategy": _strategy(request, p), "max_tokens": limit}
    if request.stop:
        sampling["stop"] = request.stop
    messages = [_message(m, f"messages[{i}]") for i, m in enumerate(request.messages)]
    body = {"model_id": model, "messages": messages, "sampling_params": sampling}
    if request.tools:
        choice = request.tool_choice
        if isinstance(choice, NamedTool):
            adjusted.append(Adjusted("tool_choice", choice.name, "required", why))
            choice = "required"
        body |= {"tools": list(map(_tool, request.tools)), "tool_choice": choice}
    wanted = request.response_format
    if wanted is not None and wanted.kind == "json_schema":
        body["response_format"] = {"type": "json_schema", "json_schema": wanted.schema or {}}
    elif wanted is not None and wanted.kind == "json_object":
        body["response_format"] = {"type": "json_schema", "json_schema": {"type": "object"}}
    return {**body, "stream": not request.whole}, adjusted


def _strategy(request: ChatRequest, p: LlamaStackParameters) -> dict[str, Any]:
    temperature = p.temperature if request.temperature is None else request.temperature
    if not temperature:
        return {"type": "greedy"}
    if request.top_k:
        return {"type": "top_k", "top_k": request.top_k}
    top_p = 1.0 if request.top_p is None else request.top_p
    return {"type": "top_p", "temperature": temperature, "top_p": top_p}


def _message(message: Message, path: str) -> dict[str, Any]:
    content: Any = message.content
    if not isinstance(content, str):
        content = list(_parts(message, path))
    found: dict[str, Any] = {"role": message.role, "content": content}
    if message.role == "tool":
        found["call_id"] = message.tool_call_id
    if message.role == "assistant":
        found["stop_reason"] = "end_of_turn"
    if message.tool_calls:
        found["tool_calls"] = [
            {"call_id": call.id, "tool_name": call.name, "arguments_json": call.arguments,
             "arguments": _arguments(call.arguments, path)}
            for call in message.tool_calls
        ]  # fmt: skip
    return found


def _arguments(text: str, path: str) -> Any:
    try:
        return msgspec.json.decode(text or "{}")
    except UNREADABLE as error:
        field = f"{path}.tool_calls"
        raise InputError(f"{field}: arguments must be JSON: {error}.", field=field) from error


def _parts(message: Message, path: str) -> Iterator[dict[str, Any]]:
    for j, part in enumerate(message.parts):
        if isinstance(part, TextPart):
            yield {"type": "text", "text": part.text}
        elif isinstance(part, ImagePart):
            yield {"type": "image", "image": {"data": base64.b64encode(part.data).decode()}}
        elif not isinstance(part, FilePart):
            field = f"{path}.content[{j}]"
            raise InputError(f"{field}: sound cannot be sent here: write text.", field=field)


def _tool(tool: Tool) -> dict[str, Any]:
    needed = tool.parameters.get("required", ())
    fields = tool.parameters.get("properties", {})
    parameters = {
        name: {
            "param_type": str(facts.get("type", "string")),
            "description": str(facts.get("description", "")),
            "required": name in needed,
        }
        for name, facts in fields.items()
    }
    return {"tool_name": tool.name, "description": tool.description, "parameters": parameters}


class NativeReader:
    """Reads one answer: `take` gives the events of an object, be it of a stream or the whole."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._calls = 0
        self._end: Finish | None = None

    @property
    def over(self) -> bool:
        """True once the end was there."""
        return self._end is not None

    def take(self, said: Any) -> list[ChatEvent]:
        """The events. Raises ProcessingError for what is no answer."""
        found = said if isinstance(said, dict) else {}
        if isinstance(event := found.get("event"), dict):
            delta = event.get("delta")
            made = self._piece(delta if isinstance(delta, dict) else {})
            done = event.get("event_type") == "complete"
            return [*made, *self._last(found, event.get("stop_reason"))] if done else made
        if isinstance(message := found.get("completion_message"), dict):
            content = message.get("content")
            text = self._piece({"text": content})
            calls = [self._call(call) for call in message.get("tool_calls") or ()]
            return [*text, *calls, *self._last(found, message.get("stop_reason"))]
        raise ProcessingError(f"{self._where} sent no chat completion.", detail="malformed")

    def end(self) -> Finish:
        """The end. Raises ProcessingError (`cut`) when there was none."""
        if self._end is None:
            text = f"{self._where} ended its answer before it was complete."
            raise ProcessingError(f"{text} Send the request again.", detail="cut")
        return self._end

    def _piece(self, delta: Mapping[str, Any]) -> list[ChatEvent]:
        call, text = delta.get("tool_call"), delta.get("text")
        if isinstance(call, dict) and delta.get("parse_status", "succeeded") == "succeeded":
            return [self._call(call)]
        return [TextDelta(text)] if isinstance(text, str) and text else []

    def _call(self, call: Mapping[str, Any]) -> ToolCallDelta:
        arguments = call.get("arguments_json") or call.get("arguments") or "{}"
        if not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        self._calls += 1
        name = str(call.get("tool_name") or "")
        return ToolCallDelta(self._calls - 1, str(call.get("call_id") or ""), name, arguments)

    def _last(self, found: Mapping[str, Any], reason: Any) -> list[ChatEvent]:
        named: FinishReason = "tool_calls" if self._calls else _REASONS.get(str(reason), "stop")
        self._end = Finish("stop" if named == "tool_calls" and not self._calls else named)
        listed = found.get("metrics")
        counts = {
            one.get("metric"): one.get("value")
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, dict) and isinstance(one.get("value"), int)
        }
        if not counts.get("total_tokens"):
            return []
        return [Usage(counts.get("prompt_tokens") or 0, counts.get("completion_tokens") or 0)]
