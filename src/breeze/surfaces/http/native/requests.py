"""/v2/requests: what runs, stopping it by id, and reading on where a connection broke off."""

from __future__ import annotations

import time

from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.service import LiveRequest
from breeze.service.access import Role
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.native._forms import form_of, written
from breeze.surfaces.http.reply import Answer, Facts, Reply, Stream
from breeze.surfaces.http.routes import Route


async def listed(call: Call) -> Answer:
    """The requests that run: the caller's own, or all for an operator."""
    owners = _owners(call)
    found = [_live(call, id) for id in call.app.engine.live if _may(call, owners, id)]
    return Reply.json({"requests": found})


async def cancel(call: Call) -> Answer:
    """Stop a request. It is an error when nothing was stopped."""
    id = call.found["id"]
    if not _may(call, _owners(call), id) or not call.app.engine.cancel(id):
        raise NotFoundError(f"No request {id!r} of yours is running.", field="id")
    return Reply.json({"id": id, "cancelled": True})


async def events(call: Call) -> Answer:
    """The events of a resumable request after number `after`, and those to come."""
    relay = call.app.relays.find(call.found["id"], call.caller)
    after = _after(call)
    reader = relay.attach(after)
    call.on_leaving(reader.leave)
    form = form_of(call)
    pieces = written(reader.batches(), form, after)
    return Stream(pieces, form.type, headers=Facts.of(relay.stream).headers())


def _after(call: Call) -> int:
    asked = call.query.get("after", call.header(b"last-event-id") or "0")
    if not (asked.isascii() and asked.isdecimal() and len(asked) <= 9):
        raise InputError("after must be the number of an event, 0 for all.", field="after")
    return int(asked)


def _owners(call: Call) -> dict[str, str]:
    """The name of the key behind each running request; resumable ones may have no connection."""
    relays = {relay.id: relay.owner for relay in call.app.relays.running}
    return {**call.app.owners, **relays}


def _may(call: Call, owners: dict[str, str], id: str) -> bool:
    return call.caller.role >= Role.OPERATE or owners.get(id) == call.caller.name


def _live(call: Call, id: str) -> LiveRequest:
    route = call.app.engine.streams[id].route
    return LiveRequest(
        id=id,
        capability=route.request.needs,
        runner=route.runner,
        model=route.model,
        seconds=round(time.perf_counter() - route.started, 3) if route.started else 0.0,
        events=route.delivered,
    )


ROUTES = (
    Route("GET", "/v2/requests", Role.USE, listed, "The requests that run"),
    Route("DELETE", "/v2/requests/{id}", Role.USE, cancel, "Stop a request"),
    Route("GET", "/v2/requests/{id}/events", Role.USE, events, "Read on where it broke off"),
)
