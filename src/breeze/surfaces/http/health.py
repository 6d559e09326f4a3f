"""GET /health and its kind: is the process alive. No model is touched and no timer is reset."""

from __future__ import annotations

from breeze.surfaces.http.call import Call
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Role, Route


async def health(call: Call) -> Answer:
    """Always 200 while the server can answer at all."""
    return Reply.json({"status": "ok"})


ROUTES = tuple(
    Route("GET", path, Role.OPEN, health, "Whether the server is alive")
    for path in ("/health", "/healthz", "/livez")
)
