"""GET /ready: can the server do any work, and who would do it. No model is loaded to find out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from breeze.contracts.errors import AuthenticationError
from breeze.contracts.messages import ImagePart, Message
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.service.access import Role
from breeze.surfaces.http.credentials import key_of
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Route

if TYPE_CHECKING:
    from breeze.surfaces.http.call import Call

_ASKED: tuple[Request[Any], ...] = (
    ChatRequest.of("?"),
    ChatRequest((Message("user", (ImagePart(url="data:,"),)),)),
    TranscribeRequest(file="-"),
    SpeakRequest("?"),
    ModerateRequest("?"),
    DrawRequest.of("?"),
    EmbedRequest.of("?"),
)
"""One request of each kind. None is ever run: who would answer is all that is asked."""


async def ready(call: Call) -> Answer:
    """200 when at least one runner can work, else 503 with the reason.

    Who it would be, and why others would not, is told to those who may use the server.
    """
    if call.app.stopping:
        return Reply.json({"status": "stopping", "reason": "the server is stopping"}, status=503)
    found = {request.needs: await _considered(call, request) for request in _ASKED}
    able = any(considered["ready"] for considered in found.values())
    answer: dict[str, Any] = {"status": "ready" if able else "starting"}
    if not able:
        answer["reason"] = "no runner can work yet: see `breeze runners`"
    if _may_know(call):
        answer["capabilities"] = found
    return Reply.json(answer, status=200 if able else 503)


async def _considered(call: Call, request: Request[Any]) -> dict[str, Any]:
    decision = await call.app.engine.explain(request)
    others = [
        {"name": r.name, "reason": r.why}
        for r in decision.rejected
        if not r.why.startswith("cannot do ")
    ]
    return {"ready": [choice.name for choice in decision.order], "not_ready": others}


def _may_know(call: Call) -> bool:
    if call.app.authenticate is None:
        return True
    try:
        return call.app.authenticate(key_of(call.headers)).role >= Role.USE
    except AuthenticationError:
        return False


ROUTES = tuple(
    Route("GET", path, Role.OPEN, ready, "Whether the server can work, and who would")
    for path in ("/ready", "/readyz")
)
