"""POST /v2/stream/{capability}: a request in, its events out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.events import Adjusted, AnyEvent
from breeze.contracts.request import Request
from breeze.contracts.results import cut
from breeze.contracts.wire import encode
from breeze.engine.stream import EventStream
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.native._forms import Form, form_of, written
from breeze.surfaces.http.native._reading import read_request
from breeze.surfaces.http.reply import Answer, Facts, Stream
from breeze.surfaces.http.routes import Role, Route

_LONGEST = 300


async def stream(call: Call) -> Answer:
    """The events of the request in the body, as they come."""
    request = await call.resolved(read_request(await call.body(), call.found["capability"]))
    grace = _grace(call)
    if grace:
        return await _relayed(call, request, grace)
    events = call.stream(request)
    lead = await _lead(events)
    form = form_of(call)
    return Stream(_pieces(events, lead, form), form.type, headers=Facts.of(events).headers())


def _grace(call: Call) -> int:
    """Seconds for which the work outlives its connection; 0 for not at all."""
    asked = call.header(b"x-breeze-resume")
    if not asked:
        return 0
    if not asked.isdecimal() or not 1 <= int(asked[:4]) <= _LONGEST:
        raise InputError(
            f"x-breeze-resume must be a whole number of seconds, 1 to {_LONGEST}.",
            field="x-breeze-resume",
        )
    return int(asked)


async def _lead(events: EventStream[Any]) -> list[AnyEvent]:
    """The events up to the first that shows who answers; a failure until then is a status.

    Raises RunnerError; the stream is closed then.
    """
    lead: list[AnyEvent] = []
    try:
        async for event in events:
            lead.append(event)
            if events.route.runner or type(event) is not Adjusted:
                return lead
    except BaseException:
        await events.aclose()
        raise
    raise cut(len(lead))


async def _pieces(
    events: EventStream[Any], lead: list[AnyEvent], form: Form
) -> AsyncGenerator[bytes]:
    """The events as they travel. The last is Finish, or the error that ended the work."""
    write, number = form.write, 0
    async with aclosing(events):
        try:
            for event in lead:
                number += 1
                yield write(encode(event), number)
            async for event in events:
                number += 1
                yield write(encode(event), number)
        except RunnerError as error:
            yield write(encode(error.info()), number + 1)


async def _relayed(call: Call, request: Request[Any], grace: int) -> Answer:
    """The same, with the work in a task of its own that outlives this connection."""
    events = call.events = call.app.engine.stream(request)
    call.request_id = request.id
    relay = call.app.relays.open(events, call.caller.name, grace)
    reader = relay.attach(0)
    call.on_leaving(reader.leave)
    batches = reader.batches()
    lead: list[bytes] = []
    async for batch in batches:
        lead += batch
        if lead and (events.route.runner or relay.ended):
            break
    if relay.error is not None and relay.last == 1:
        relay.forget()
        raise relay.error
    form = form_of(call)
    pieces = written(_joined(lead, batches), form, 0)
    return Stream(pieces, form.type, headers=Facts.of(events).headers())


async def _joined(
    lead: list[bytes], batches: AsyncGenerator[list[bytes]]
) -> AsyncGenerator[list[bytes]]:
    async with aclosing(batches):
        yield lead
        async for batch in batches:
            yield batch


ROUTES = (Route("POST", "/v2/stream/{capability}", Role.USE, stream, "The events of a request"),)
