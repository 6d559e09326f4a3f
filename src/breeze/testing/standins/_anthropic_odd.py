"""What else servers that speak as Anthropic does may do: empty pieces, and pages without end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from breeze.testing.standins._fault import Fault, Play, Scene
from breeze.testing.standins._reply import Reply, event
from breeze.testing.standins.faults_shape import json_of, rewritten

Json = dict[str, Any]
_PIECES = {"text_delta": "text", "input_json_delta": "partial_json"}
"""Kinds of delta, and the field that holds what is new."""


def _spread(change: Callable[[Json], list[Json]]) -> Play:
    """Every event of a stream, as those that take its place."""

    def play(scene: Scene) -> Reply:
        if not scene.reply.streamed:
            return scene.reply
        pieces = [
            event(value, value["type"])
            for piece in scene.reply.pieces
            if (found := json_of(piece))
            for value in change(found[1])
        ]
        return scene.reply.but(pieces=tuple(pieces))

    return play


def _pinged(value: Json) -> list[Json]:
    return [value, {"type": "ping"}]


def _emptied(value: Json) -> list[Json]:
    """A delta with nothing in front of each that has something."""
    delta = value.get("delta") or {}
    name = _PIECES.get(delta.get("type", ""))
    return [value | {"delta": delta | {name: ""}}, value] if name else [value]


def _bare(value: Json) -> Json:
    """Without every field that is null."""
    bare = {n: v for n, v in value.items() if v is not None}
    return {n: _bare(v) if n in ("message", "delta") else v for n, v in bare.items()}


def _broken_input(value: Json) -> Json:
    """The parts of a tool's input, without the brace that ends it."""
    delta = value.get("delta") or {}
    if delta.get("type") != "input_json_delta":
        return value
    return value | {"delta": delta | {"partial_json": delta["partial_json"].rstrip("}")}}


def _endless_pages(scene: Scene) -> Reply:
    """Each page of models leads to another."""
    if scene.call.method != "GET" or scene.call.path != "/v1/models":
        return scene.reply
    page = msgspec.json.decode(scene.reply.body)
    name = f"parrot-page-{len(scene.vendor.calls)}"
    one = (page["data"] or [{}])[0] | {"id": name}
    more = {"data": [one], "has_more": True, "first_id": name, "last_id": name}
    return Reply.json(page | more)


def _odd(name: str, title: str, looks: str, play: Play) -> Fault:
    return Fault(f"odd-{name}", 25, title, looks, "shape", play, harmless=True)


OWN: tuple[Fault, ...] = (
    _odd("pings", "Pings everywhere", "a ping after every event", _spread(_pinged)),
    _odd("empty-deltas", "Empty deltas", "a delta of nothing in front of each", _spread(_emptied)),
    _odd("no-nulls", "Nothing for null", "no field where there is nothing to say",
         rewritten(_bare)),
    _odd("broken-arguments", "Arguments that are no JSON", "a tool's input that ends too soon",
         rewritten(_broken_input)),
    Fault("endless-pages", 32, "Pages without end", "each page of models leads to another",
          "shape", _endless_pages),
)  # fmt: skip
