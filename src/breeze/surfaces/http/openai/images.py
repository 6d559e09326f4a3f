"""POST /v1/images/generations: the pictures in one answer, or each as soon as it is ready."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from breeze.contracts.answers import Adjustment, FailedPicture, Pictures
from breeze.contracts.dialects.openai_answer import DONE, ours_json
from breeze.contracts.dialects.openai_image_json import (
    NAMES,
    draw_from_json,
    facts_json,
    failures_json,
    picture_json,
    usage_json,
)
from breeze.contracts.dialects.openai_reading import in_their_words, renamed
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import (
    Adjusted,
    AnyEvent,
    Finish,
    ImageFailed,
    ImageReady,
    Restarted,
    Usage,
)
from breeze.contracts.requests import DrawRequest
from breeze.contracts.results import cut
from breeze.engine.stream import EventStream
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.openai._audio import withdrawn
from breeze.surfaces.http.openai._sse import BOOKKEEPING, failed, first_of, set_aside
from breeze.surfaces.http.reply import Answer, Facts, Reply, Stream
from breeze.surfaces.http.routes import Role, Route

_NOT_KEPT = ("user", "safety_identifier")
_COMPLETED = b"image_generation.completed"
_FAILED = b"image_generation.failed"


async def generations(call: Call) -> Answer:
    """Pictures for the prompt of the body."""
    body = await call.json()
    request, unused = draw_from_json(body)
    aside = (*unused, *set_aside(body, _NOT_KEPT, BOOKKEEPING))
    try:
        if body.get("stream"):
            return await _streamed(call, request, aside)
        return await _whole(call, request, aside)
    except RunnerError as error:
        raise renamed(error, NAMES) from error


async def _whole(call: Call, request: DrawRequest, aside: tuple[Adjustment, ...]) -> Reply:
    answer, facts = await call.run(request)
    assert isinstance(answer, Pictures)
    found: dict[str, Any] = {
        "created": int(time.time()),
        "data": [picture_json(picture) for picture in answer.images],
        "usage": usage_json(answer.usage),
    }
    if answer.images:
        first = answer.images[0]
        found |= facts_json(first.mime, first.width, first.height)
    adjustments = (*aside, *in_their_words(answer.adjustments, NAMES))
    ours = ours_json(adjustments) | failures_json(answer.failures)
    found["breeze"] = {"model": answer.model or answer.runner, **ours}
    return Reply.json(found, headers=_headers(facts, aside))


def _headers(facts: Facts, aside: tuple[Adjustment, ...]) -> list[tuple[bytes, bytes]]:
    adjusted = tuple(NAMES.get(name, name) for name in facts.adjusted)
    facts = msgspec.structs.replace(facts, adjusted=adjusted)
    return facts.with_adjusted(aside).headers()


async def _streamed(call: Call, request: DrawRequest, aside: tuple[Adjustment, ...]) -> Stream:
    events = call.stream(request)
    early = [await first_of(events)]
    while isinstance(early[-1], Adjusted):  # a failure is a status until there is a picture
        early.append(await first_of(events))
    headers = _headers(Facts.of(events), aside)
    return Stream(_pieces(events, early, request, aside), headers=headers)


async def _pieces(
    events: EventStream[Any],
    early: list[AnyEvent],
    request: DrawRequest,
    aside: tuple[Adjustment, ...],
) -> AsyncGenerator[bytes]:
    """One event a picture. The last waits for the usage, which comes with the end."""
    made = _Made(request.count, aside)
    async with aclosing(events):
        for event in early:
            if data := made.take(event):
                yield data
        try:
            async for event in events:
                if data := made.take(event):
                    yield data
            if not made.finished:
                raise cut(events.route.delivered)
        except RunnerError as error:
            yield failed(renamed(error, NAMES))


class _Made:
    """What came so far. `finished`: the end was among it."""

    def __init__(self, count: int, aside: tuple[Adjustment, ...]) -> None:
        self._count = count
        self._adjustments = aside
        self._usage: Usage | None = None
        self._last: ImageReady | None = None
        self._sent = False
        self.finished = False

    def take(self, event: AnyEvent) -> bytes:
        """What goes out because of `event`."""
        if isinstance(event, ImageReady):
            if event.index < self._count - 1:
                return self._completed(event)
            self._last = event
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Adjusted):
            plain = Adjustment(event.field, event.asked, event.used, event.why)
            self._adjustments += in_their_words((plain,), NAMES)
        elif isinstance(event, ImageFailed):
            return _failed(event)
        elif isinstance(event, Restarted):
            if self._sent:
                raise withdrawn(event)
            self._last = None
        elif isinstance(event, Finish):
            self.finished = True
            return (self._completed(self._last) if self._last is not None else b"") + DONE
        return b""

    def _completed(self, picture: ImageReady) -> bytes:
        self._sent = True
        ours: dict[str, Any] = {"index": picture.index, "seed": picture.seed, "cost": picture.cost}
        said = {
            "type": _COMPLETED.decode(),
            "b64_json": picture.data,
            "created_at": int(time.time()),
            **facts_json(picture.mime, picture.width, picture.height),
            "usage": usage_json(self._usage),
            "breeze": ours | ours_json(self._adjustments),
        }
        return b"event: %b\ndata: %b\n\n" % (_COMPLETED, msgspec.json.encode(said))


def _failed(event: ImageFailed) -> bytes:
    """A picture that could not be made, in an event that other clients pass over."""
    lost = FailedPicture(event.error, event.prompt, event.number)
    said = {"type": _FAILED.decode(), "breeze": failures_json((lost,))}
    return b"event: %b\ndata: %b\n\n" % (_FAILED, msgspec.json.encode(said))


ROUTES = (Route("POST", "/v1/images/generations", Role.USE, generations, "Draw pictures"),)
