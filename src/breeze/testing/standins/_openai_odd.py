"""What else servers of this protocol have been seen to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from breeze.testing.standins._fault import Fault, Play, Scene
from breeze.testing.standins._reply import JSON, Reply, event
from breeze.testing.standins.faults_shape import json_of, rewritten

Json = dict[str, Any]
_AFTER = {"after": "2"}


def _said(change: Callable[[Json], Json]) -> Play:
    """Every delta, or the message of a whole answer, changed."""

    def altered(value: Json) -> Json:
        choices = [
            {n: change(v) if n in ("delta", "message") else v for n, v in choice.items()}
            for choice in value.get("choices") or ()
        ]
        return value | {"choices": choices} if "choices" in value else value

    return rewritten(altered)


def _called(change: Callable[[Json], Json]) -> Play:
    """Every tool call, or part of one, changed."""

    def altered(said: Json) -> Json:
        calls = said.get("tool_calls")
        return said | {"tool_calls": [change(call) for call in calls]} if calls else said

    return _said(altered)


def _without(*names: str) -> Callable[[Json], Json]:
    return lambda value: {n: v for n, v in value.items() if n not in names}


def _null_content(said: Json) -> Json:
    return said if said.get("content") else said | {"content": None}


def _thinking(name: str) -> Play:
    return _said(lambda said: said | ({name: "Hm. "} if said.get("role") else {}))


def _details(said: Json) -> Json:
    detail = {"type": "reasoning.text", "text": "Hm. ", "index": 0, "format": "unknown"}
    return said | ({"reasoning_details": [detail]} if said.get("role") else {})


def _arguments(change: Callable[[str], Any]) -> Play:
    def altered(call: Json) -> Json:
        function = call.get("function") or {}
        if not function.get("arguments"):
            return call
        return call | {"function": function | {"arguments": change(function["arguments"])}}

    return _called(altered)


def _whole_call(objects: bool) -> Play:
    """All parts of a call in one delta."""

    def play(scene: Scene) -> Reply:
        call = (_message(scene).get("tool_calls") or [None])[0]
        if call is None or not scene.reply.streamed:
            return _arguments(msgspec.json.decode)(scene) if objects else scene.reply
        arguments = call["function"]["arguments"]
        given = msgspec.json.decode(arguments) if objects else arguments
        one = call | {"index": 0, "function": call["function"] | {"arguments": given}}
        kept = [p for p in scene.reply.pieces if b'"tool_calls":' not in p]
        first, found = next((i, f) for i, f in enumerate(map(json_of, kept)) if f)
        delta = {"index": 0, "delta": {"tool_calls": [one]}, "finish_reason": None}
        more = event(found[1] | {"choices": [delta]})
        return scene.reply.but(pieces=(*kept[: first + 1], more, *kept[first + 1 :]))

    return play


def _message(scene: Scene) -> Json:
    """What is said as a whole; nothing when it is no chat."""
    if not scene.call.path.endswith("/chat/completions"):
        return {}
    answer = scene.vendor.whole_chat(scene.call)  # type: ignore[attr-defined]
    message: Json = answer["choices"][0]["message"]
    return message


def _repeated_id(call: Json) -> Json:
    return {"id": "call_0", "type": "function"} | call


def _whole_for_stream(scene: Scene) -> Reply:
    if not scene.reply.streamed or not scene.call.path.endswith("/chat/completions"):
        return scene.reply
    answer = scene.vendor.whole_chat(scene.call)  # type: ignore[attr-defined]
    return Reply(200, {"content-type": JSON}, (msgspec.json.encode(answer),))


def _reason(reason: str) -> Play:
    def altered(value: Json) -> Json:
        choices = [
            choice | ({"finish_reason": reason} if choice.get("finish_reason") else {})
            for choice in value.get("choices") or ()
        ]
        return value | {"choices": choices} if "choices" in value else value

    return rewritten(altered)


def _declined(said: Json) -> Json:
    """The text as a refusal."""
    if not said.get("content"):
        return said
    return said | {"content": None, "refusal": said["content"]}


def _text_error(scene: Scene) -> Reply:
    if not scene.reply.streamed:
        return Reply.json({"error": "The engine died."})
    return scene.reply.but(pieces=(*scene.begun, event({"error": "The engine died."})))


def _named_error(scene: Scene) -> Reply:
    error = {"error": {"message": "The engine died.", "type": "server_error", "code": None}}
    if not scene.reply.streamed:
        return Reply.json(error)
    return scene.reply.but(pieces=(*scene.begun, event(error, "error")))


def _odd(name: str, title: str, looks: str, play: Play) -> Fault:
    return Fault(f"odd-{name}", 25, title, looks, "shape", play, harmless=True)


ODD: tuple[Fault, ...] = (
    Fault("error-event-text", 13, "An error of mere text", 'data: {"error":"text"} after `after` '
          "pieces", "during", _text_error, _AFTER),
    Fault("error-event-named", 13, "An event named error", "event: error, with an error object",
          "during", _named_error, _AFTER),
    Fault("whole-for-stream", 18, "Whole though a stream was asked", "JSON in place of events",
          "shape", _whole_for_stream, harmless=True),
    _odd("no-role", "No role", "deltas without role", _said(_without("role"))),
    _odd("null-content", "Null content", "content: null where there is none",
         _said(_null_content)),
    _odd("no-content", "No content", "no field where there is no content", _said(
        lambda said: said if said.get("content") else _without("content")(said))),
    _odd("reasoning-content", "Reasoning, one way", "reasoning_content beside the text",
         _thinking("reasoning_content")),
    _odd("reasoning", "Reasoning, another way", "reasoning beside the text",
         _thinking("reasoning")),
    _odd("reasoning-details", "Reasoning, a third way", "reasoning_details beside the text",
         _said(_details)),
    _odd("whole-call", "A tool call at once", "one delta with all of a call", _whole_call(False)),
    _odd("object-arguments", "Arguments that are an object", "arguments as JSON in JSON",
         _whole_call(True)),
    _odd("no-index", "Calls without index", "tool_calls without index",
         _called(_without("index"))),
    _odd("repeated-id", "The id again and again", "a tool call's id in each of its deltas",
         _called(_repeated_id)),
    _odd("broken-arguments", "Arguments that are no JSON", "arguments that end too soon",
         _arguments(lambda text: text.rstrip("}"))),
    Fault("blocked-finish", 27, "Stopped by a filter", "finish_reason content_filter", "shape",
          _reason("content_filter"), harmless=True),
    Fault("declined", 27, "The model declines", "a refusal in place of content", "shape",
          _said(_declined), harmless=True),
)  # fmt: skip
