"""What runtimes that only continue text make of a chat request: its turns, and what they cannot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from breeze.contracts.errors import InputError
from breeze.contracts.events import Adjusted
from breeze.contracts.messages import Message, TextPart
from breeze.contracts.requests import ChatRequest

_DEFAULTS = ChatRequest(())


def turns(request: ChatRequest, system_prompt: str) -> list[dict[str, Any]]:
    """The messages as chat templates take them. Raises InputError for parts that are no text."""
    for i, message in enumerate(request.messages):
        for j, part in enumerate(message.parts):
            if not isinstance(part, TextPart):
                field = f"messages[{i}].content[{j}]"
                raise InputError(
                    f"{field}: this model reads text only; choose one for this part.", field=field
                )
    found = [_turn(message) for message in request.messages]
    if system_prompt and not any(turn["role"] == "system" for turn in found):
        found.insert(0, {"role": "system", "content": system_prompt})
    return found


def _turn(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        turn["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    return turn


def refuse_tools(request: ChatRequest, runtime: str) -> None:
    """Raises InputError for tools that the model might be asked to call."""
    if request.tools and request.tool_choice != "none":
        raise InputError(
            f"{runtime} has no form for calling tools: leave tools out, or choose another runner.",
            field="tools",
        )


def unmet(request: ChatRequest, names: Iterable[str], why: str) -> list[Adjusted]:
    """An Adjusted for each field among `names` that was given and is not obeyed."""
    asked = ((name, getattr(request, name), getattr(_DEFAULTS, name)) for name in names)
    return [
        Adjusted(name, msgspec.to_builtins(given), msgspec.to_builtins(default), why)
        for name, given, default in asked
        if given != default
    ]


def too_long(asked: int, limit: int, model: str, remedy: str) -> InputError:
    """A prompt that leaves no room for an answer. `remedy`: what raises the limit."""
    return InputError(
        f"messages: {asked} tokens, but {model} takes {limit} with its answer. "
        f"Shorten the text, {remedy}, or choose another model.",
        field="messages",
        model=model,
        detail="context_length_exceeded",
        data={"limit": limit, "asked": asked},
    )
