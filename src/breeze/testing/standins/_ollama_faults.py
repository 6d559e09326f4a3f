"""What goes wrong with this server alone: its counts, its lines, its tool calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from breeze.testing.standins._fault import Fault, Play, Scene
from breeze.testing.standins._reply import Reply
from breeze.testing.standins.faults_shape import rewritten

_COUNTS = ("prompt_eval_count", "eval_count", "prompt_eval_duration", "eval_duration")
Change = Callable[[Any], Any]


def _counts(value: Any) -> Any:
    return {name: None if name in _COUNTS else found for name, found in value.items()}


def _no_counts(value: Any) -> Any:
    return {name: found for name, found in value.items() if name not in _COUNTS}


def _message(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Play:
    """Every message, changed."""
    return rewritten(
        lambda value: value | {"message": change(value["message"])} if "message" in value else value
    )


def _nulls(message: dict[str, Any]) -> dict[str, Any]:
    """Null where there is nothing."""
    said = {name: found or None for name, found in message.items()}
    return {"thinking": None, "tool_calls": None, "images": None, **said, "role": None}


def _calls(change: Change) -> Play:
    def changed(message: dict[str, Any]) -> dict[str, Any]:
        if not message.get("tool_calls"):
            return message
        return message | {"tool_calls": [change(call) for call in message["tool_calls"]]}

    return _message(changed)


def _as_text(call: Any) -> Any:
    function = call["function"]
    return call | {"function": function | {"arguments": '{"a": 1}'}}


def _bare(call: Any) -> Any:
    function = call["function"]
    return {"function": {"name": function["name"], "arguments": function["arguments"]}}


def _no_logprobs(value: Any) -> Any:
    return {name: found for name, found in value.items() if name != "logprobs"}


def _blank_lines(scene: Scene) -> Reply:
    return scene.reply.but(pieces=tuple(b"\n" + piece + b"\r\n" for piece in scene.reply.pieces))


def _after(scene: Scene) -> Reply:
    """More lines after the last one."""
    pieces = scene.reply.pieces
    return scene.reply.but(pieces=(*pieces, *pieces[:2])) if scene.reply.streamed else scene.reply


def _fault(number: int, name: str, title: str, looks: str, play: Play) -> Fault:
    return Fault(name, number, title, looks, "shape", play, harmless=True)


OWN: tuple[Fault, ...] = (
    _fault(24, "usage-null", "Usage of nothing", "null where the counts should be",
           rewritten(_counts)),
    _fault(24, "usage-missing", "No usage", "no counts at all", rewritten(_no_counts)),
    _fault(22, "framing-blank-lines", "Blank lines", "blank lines and CRLF between the lines",
           _blank_lines),
    _fault(23, "data-after-done", "Data after the end", "the last line, then two more", _after),
    _fault(25, "odd-nulls", "Null for nothing", "null in every field that is empty, and no role",
           _message(_nulls)),
    _fault(25, "odd-no-logprobs", "No probabilities", "none, although they were asked for",
           rewritten(_no_logprobs)),
    _fault(25, "odd-bare-calls", "Tool calls without id", "neither id nor index", _calls(_bare)),
    _fault(25, "odd-text-arguments", "Arguments as text", "JSON text where an object should be",
           _calls(_as_text)),
)  # fmt: skip
