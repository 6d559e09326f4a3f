"""What else servers that speak as Gemini does may do: empty pieces, and pages without end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from breeze.testing.standins._fault import Fault, Play, Scene
from breeze.testing.standins._reply import Reply, event
from breeze.testing.standins.faults_shape import json_of, rewritten

Json = dict[str, Any]


def _candidates(change: Callable[[Json], Json]) -> Play:
    """Every candidate, changed."""

    def altered(value: Json) -> Json:
        found = value.get("candidates")
        return value | {"candidates": [change(one) for one in found]} if found else value

    return rewritten(altered)


def _without_role(candidate: Json) -> Json:
    content = {n: v for n, v in candidate["content"].items() if n != "role"}
    return candidate | {"content": content}


def _without_index(candidate: Json) -> Json:
    return {n: v for n, v in candidate.items() if n != "index"}


def _without_ids(candidate: Json) -> Json:
    """Calls of functions without an id, as older servers send them."""
    parts = [
        part | {"functionCall": {n: v for n, v in part["functionCall"].items() if n != "id"}}
        if "functionCall" in part
        else part
        for part in candidate["content"]["parts"]
    ]
    return candidate | {"content": candidate["content"] | {"parts": parts}}


def _empty_pieces(scene: Scene) -> Reply:
    """A candidate without content, and one without parts, between all that have some."""
    if not scene.reply.streamed:
        return scene.reply
    first: Json = next((f[1] for f in map(json_of, scene.reply.pieces) if f), {})
    facts = {n: v for n, v in first.items() if n in ("modelVersion", "responseId")}
    nothing: tuple[Json, ...] = ({"index": 0}, {"index": 0, "content": {"role": "model"}})
    empty = [event(facts | {"candidates": [one]}) for one in nothing]
    pieces = [more for piece in scene.reply.pieces for more in (*empty, piece)]
    return scene.reply.but(pieces=tuple(pieces))


def _endless_pages(scene: Scene) -> Reply:
    """Each page of models leads to another."""
    if scene.call.method != "GET" or not scene.call.path.endswith("/models"):
        return scene.reply
    page = msgspec.json.decode(scene.reply.body)
    count = len(scene.vendor.calls)
    one = (page.get("models") or [{}])[0] | {"name": f"models/parrot-page-{count}"}
    return Reply.json(page | {"models": [one], "nextPageToken": "0" * count})


def _odd(name: str, title: str, looks: str, play: Play) -> Fault:
    return Fault(f"odd-{name}", 25, title, looks, "shape", play, harmless=True)


OWN: tuple[Fault, ...] = (
    _odd("no-role", "No role", "content without a role", _candidates(_without_role)),
    _odd("no-index", "No index", "candidates without index", _candidates(_without_index)),
    _odd("bare-calls", "Calls without id", "functionCall without an id",
         _candidates(_without_ids)),
    _odd("empty-pieces", "Empty pieces", "candidates without content, and without parts",
         _empty_pieces),
    Fault("endless-pages", 32, "Pages without end", "each page of models leads to another",
          "shape", _endless_pages),
)  # fmt: skip
