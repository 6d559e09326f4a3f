"""/v2/models: what is installed and offered, and for operators what comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from breeze.contracts.errors import RunnerError
from breeze.contracts.events import Finish, Progress
from breeze.contracts.results import cut
from breeze.contracts.shelf import ModelNamed, PullWanted
from breeze.contracts.strict import read_strict
from breeze.contracts.wire import encode
from breeze.service.access import Role
from breeze.service.shelf import pulled, removed, shelf, status
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.native._forms import Form, form_of
from breeze.surfaces.http.reply import Answer, Reply, Stream
from breeze.surfaces.http.routes import Route

_SMALL = 64 * 1024
Pull = AsyncGenerator[Progress | Finish]


async def shown(call: Call) -> Answer:
    """What is installed, what the catalogue offers, which pulls are not done."""
    return Reply.json(await asyncio.to_thread(shelf, call.app.store))


async def pull(call: Call) -> Answer:
    """The events of a pull. It goes on when the client leaves; whoever asks again joins it."""
    wanted = read_strict(await call.json(), PullWanted)
    events = pulled(call.app.store, wanted.model, again=wanted.again)
    lead = await _lead(events)
    form = form_of(call)
    return Stream(_pieces(events, lead, form), form.type)


async def pause(call: Call) -> Answer:
    """Stop a pull; what has come stays."""
    return Reply.json(status(await call.app.store.pause(await _named(call))))


async def resume(call: Call) -> Answer:
    """Go on with a pull that rests, in the background."""
    return Reply.json(status(await call.app.store.resume(await _named(call))))


async def cancel(call: Call) -> Answer:
    """Stop a pull and forget what has come of it."""
    id = await _named(call)
    await call.app.store.cancel(id)
    return Reply.json({"id": id, "cancelled": True})


async def remove(call: Call) -> Answer:
    """Delete a model. Of one that was imported only the links go."""
    id = call.found["id"]
    freed = await removed(call.app.store, id)
    return Reply.json({"id": id, "deleted": True, "freed": freed})


async def _named(call: Call) -> str:
    return read_strict(await call.json(), ModelNamed).id


async def _lead(events: Pull) -> Progress | Finish:
    """The first event that shows that there is something to fetch; until then a failure is a
    status. Raises RunnerError; the events are closed then.
    """
    try:
        async for event in events:
            if isinstance(event, Finish) or event.stage != "resolve":
                return event
    except BaseException:
        await events.aclose()
        raise
    raise cut(0)


async def _pieces(events: Pull, lead: Progress | Finish, form: Form) -> AsyncGenerator[bytes]:
    """The events as they travel. The last is Finish, or the error that ended the pull."""
    number = 1
    async with aclosing(events):
        yield form.write(encode(lead), number)
        try:
            async for event in events:
                number += 1
                yield form.write(encode(event), number)
        except RunnerError as error:
            yield form.write(encode(error.info()), number + 1)


ROUTES = (
    Route("GET", "/v2/models/store", Role.USE, shown, "Models on the disk and in the catalogue"),
    Route("POST", "/v2/models/pull", Role.OPERATE, pull, "Fetch a model", _SMALL),
    Route("POST", "/v2/models/pause", Role.OPERATE, pause, "Pause a pull", _SMALL),
    Route("POST", "/v2/models/resume", Role.OPERATE, resume, "Go on with a pull", _SMALL),
    Route("POST", "/v2/models/cancel", Role.OPERATE, cancel, "Cancel a pull", _SMALL),
    Route("DELETE", "/v2/models/{id:path}", Role.OPERATE, remove, "Delete a model"),
)
