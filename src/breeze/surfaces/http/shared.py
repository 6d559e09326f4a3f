"""Routes whose answer is in more than one worker: requests that run, numbers, settings."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.errors import NotFoundError
from breeze.service.access import Role
from breeze.service.metrics import Sample, merged
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.metrics import TYPE, present, rendered
from breeze.surfaces.http.reply import Answer, Reply
from breeze.surfaces.http.routes import Handler, Route, Table
from breeze.surfaces.http.siblings import Question, Siblings

_SNAPSHOT = "/-/snapshot"
_REFRESH = "/-/refresh"


def local(table: Table) -> Table:
    """What one worker answers another: the same routes, for itself alone, and two of their own."""
    return Table(
        (
            *(route for route in table.routes if route.path.startswith("/v2/requests")),
            Route("GET", _SNAPSHOT, Role.OPERATE, _snapshot, "The numbers of one worker"),
            Route("POST", _REFRESH, Role.OPERATE, _refreshed, "Take up changed settings"),
        )
    )


def shared(table: Table, siblings: Siblings) -> Table:
    """The same routes; those that concern every worker answer for all of them."""
    wrap = {
        ("GET", "/v2/requests"): _listed_by_all,
        ("DELETE", "/v2/requests/{id}"): _done_by_one,
        ("GET", "/v2/requests/{id}/events"): _done_by_one,
        ("GET", "/metrics"): _counted_by_all,
        ("PATCH", "/v2/settings"): _told_to_all,
    }
    return Table(
        route._replace(handler=wrap[route[:2]](route.handler, siblings))
        if route[:2] in wrap
        else route
        for route in table.routes
    )


def _listed_by_all(handler: Handler, siblings: Siblings) -> Handler:
    async def listed(call: Call) -> Answer:
        own = await handler(call)
        assert isinstance(own, Reply)
        others = await siblings.all(Question.of(call))
        found = [entry for body in (own.body, *others) for entry in _requests(body)]
        return Reply.json({"requests": found})

    return listed


def _requests(body: bytes) -> list[Any]:
    found: list[Any] = msgspec.json.decode(body)["requests"]
    return found


def _done_by_one(handler: Handler, siblings: Siblings) -> Handler:
    async def done(call: Call) -> Answer:
        try:
            return await handler(call)
        except NotFoundError:
            if (answer := await siblings.first(Question.of(call))) is None:
                raise
            return answer

    return done


def _counted_by_all(handler: Handler, siblings: Siblings) -> Handler:
    async def counted(call: Call) -> Answer:
        others = await siblings.all(Question("GET", _SNAPSHOT))
        kind = dict[str, list[Sample]]
        snapshots = [msgspec.json.decode(body, type=kind) for body in others]
        return Reply(rendered(merged((present(call), *snapshots))), TYPE)

    return counted


def _told_to_all(handler: Handler, siblings: Siblings) -> Handler:
    async def told(call: Call) -> Answer:
        answer = await handler(call)
        await siblings.all(Question("POST", _REFRESH))
        return answer

    return told


async def _snapshot(call: Call) -> Answer:
    return Reply.json(present(call))


async def _refreshed(call: Call) -> Answer:
    await call.app.engine.refresh()
    return Reply.json({})
