"""What goes wrong with this vendor alone: pages without end, times that begin anew."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.testing.standins._fault import Fault, Scene
from breeze.testing.standins._reply import Reply
from breeze.testing.standins.faults_shape import rewritten

_TIMES = ("character_start_times_seconds", "character_end_times_seconds")


def _from_zero(value: Any) -> Any:
    """A line whose times count from its own beginning."""
    if not isinstance(value, dict) or not value.get("alignment"):
        return value
    found = value["alignment"]
    begin = found[_TIMES[0]][0] if found[_TIMES[0]] else 0.0
    moved = found | {name: [at - begin for at in found[name]] for name in _TIMES}
    return value | {"alignment": moved, "normalized_alignment": moved}


def _untimed_end(scene: Scene) -> Reply:
    """The last line has sound and no times."""
    found = msgspec.json.decode(scene.reply.pieces[-1]) if scene.reply.streamed else {}
    if not isinstance(found, dict) or "alignment" not in found:
        return scene.reply
    last = msgspec.json.encode(found | {"alignment": None, "normalized_alignment": None}) + b"\n"
    return scene.reply.but(pieces=(*scene.reply.pieces[:-1], last))


def _endless_pages(scene: Scene) -> Reply:
    """Each page leads to another."""
    if scene.call.path != "/v2/voices":
        return scene.reply
    page = msgspec.json.decode(scene.reply.body)
    token = f"page-{len(scene.vendor.calls)}"
    voice = page["voices"][0] | {"voice_id": f"standinvoice{len(scene.vendor.calls):08d}"}
    more = {"voices": [voice], "has_more": True, "next_page_token": token}
    return Reply.json(page | more)


OWN: tuple[Fault, ...] = (
    Fault("times-from-zero", 25, "Times that begin anew", "each line counts from its own beginning",
          "shape", rewritten(_from_zero), harmless=True),
    Fault("times-missing", 25, "No times at the end", "the last line has sound and no times",
          "shape", _untimed_end, harmless=True),
    Fault("endless-pages", 32, "Pages without end", "each page of voices leads to another", "shape",
          _endless_pages),
)  # fmt: skip
