"""What else these servers do: refuse a version, and pass on what odd providers stream."""

from __future__ import annotations

from breeze.testing.standins._fault import Fault, Scene
from breeze.testing.standins._openai_odd import ODD
from breeze.testing.standins._reply import Reply

_PASSED_ON = (
    "odd-no-role", "odd-null-content", "odd-no-content", "odd-reasoning-content",
    "odd-reasoning", "odd-no-index", "odd-repeated-id", "odd-broken-arguments", "blocked-finish",
    "declined",
)  # fmt: skip


def _newer(scene: Scene) -> Reply:
    asked = scene.call.headers
    named = asked.get("x-ogx-client-version") or asked.get("x-llamastack-client-version") or "?"
    text = f"Client version {named} is not compatible with server version 9.9.9. "
    return Reply.json({"error": {"message": f"{text}Please update your client."}}, 426)


OWN: tuple[Fault, ...] = (
    Fault("version", 0, "Another version", "426: the client's version does not fit", "before",
          _newer),
    *(fault for fault in ODD if fault.name in _PASSED_ON),
)  # fmt: skip
