"""/v2/runners, /v2/models, /v2/explain: who is there, what they serve, who would answer."""

from __future__ import annotations

from breeze.service.access import Role
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.native._reading import read_request
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Route


async def runners(call: Call) -> Answer:
    """Every instance with its state."""
    return Reply.json({"runners": call.app.engine.runners()})


async def models(call: Call) -> Answer:
    """What each available instance serves."""
    return Reply.json({"models": await call.app.engine.models()})


async def explain(call: Call) -> Answer:
    """Who would answer the request in the body, who would not, and why. Nothing is run."""
    request = read_request(await call.body())
    return Reply.json(await call.app.engine.explain(request))


ROUTES = (
    Route("GET", "/v2/runners", Role.USE, runners, "Every runner and its state"),
    Route("GET", "/v2/models", Role.USE, models, "What each runner serves"),
    Route("POST", "/v2/explain", Role.USE, explain, "Who would answer a request, and why"),
)
