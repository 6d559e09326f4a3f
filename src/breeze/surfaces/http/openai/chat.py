"""POST /v1/chat/completions."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from breeze.contracts.answers import Adjustment, ChatAnswer
from breeze.contracts.dialects.openai_answer import Chunks, answer_json, attempts_json
from breeze.contracts.dialects.openai_read import chat_from_json
from breeze.contracts.dialects.openai_usual import usual_answer, usual_request
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import Adjusted, AnyEvent, Finish, Restarted, TextDelta, Usage
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import cut
from breeze.engine.stream import EventStream
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.json_body import json_object
from breeze.surfaces.http.openai._sse import (
    BOOKKEEPING,
    failed,
    first_of,
    include_usage,
    set_aside,
)
from breeze.surfaces.http.reply import Answer, Facts, Reply, Stream
from breeze.surfaces.http.routes import Role, Route

_encode = msgspec.json.Encoder().encode
_NOT_KEPT = (
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
    "prompt_cache_options", "prompt_cache_retention", "prediction",
)  # fmt: skip


async def chat(call: Call) -> Answer:
    """The conversation in the body, continued; as a stream when `stream` is true."""
    body = await call.body()
    usual = usual_request(body)
    if usual is None:
        return await _unusual(call, json_object(body))
    request, stream, usage = usual
    if stream:
        return await _streamed(call, request, (), usage=usage)
    return await _whole(call, request, ())


async def _unusual(call: Call, body: dict[str, Any]) -> Answer:
    request = await call.resolved(chat_from_json(body))
    usage = include_usage(body)
    aside = set_aside(body, _NOT_KEPT, BOOKKEEPING)
    if body.get("stream"):
        return await _streamed(call, request, aside, usage=usage)
    return await _whole(call, request, aside)


async def _whole(call: Call, request: ChatRequest, aside: tuple[Adjustment, ...]) -> Reply:
    answer, facts = await call.run(request)
    assert isinstance(answer, ChatAnswer)
    if aside:
        answer = msgspec.structs.replace(answer, adjustments=(*aside, *answer.adjustments))
        facts = facts.with_adjusted(aside)
    shown = (answer, f"chatcmpl-{request.id}", int(time.time()), answer.model or answer.runner)
    return Reply(usual_answer(*shown) or _encode(answer_json(*shown)), headers=facts.headers())


async def _streamed(
    call: Call, request: ChatRequest, aside: tuple[Adjustment, ...], *, usage: bool
) -> Stream:
    events = call.stream(request)
    adjusted = [msgspec.to_builtins(adjustment) for adjustment in aside]
    while type(first := await first_of(events)) is Adjusted:
        adjusted.append(_adjustment(first))
    facts = Facts.of(events)
    chunks = Chunks(
        f"chatcmpl-{request.id}",
        int(time.time()),
        facts.model or facts.runner,
        request.n,
        usage=usage,
    )
    pieces = _pieces(events, first, chunks, adjusted)
    return Stream(pieces, headers=facts.with_adjusted(aside).headers())


async def _pieces(
    events: EventStream[Any], first: AnyEvent, chunks: Chunks, adjusted: list[Any]
) -> AsyncGenerator[bytes]:
    """The chunks of a stream. It ends in [DONE], or in an error event and nothing after it.

    `adjusted`: what is to be told with the first chunk; it is used up.
    """
    usage: list[Usage] = []
    opened = False
    event = first
    piece, following = chunks.piece, events.__anext__
    async with aclosing(events):
        try:
            while True:
                kind = type(event)
                if kind is Adjusted:
                    adjusted.append(_adjustment(event))  # type: ignore[arg-type]
                elif kind is Usage:
                    usage[:] = (event,)  # type: ignore[assignment]
                else:
                    if not opened:
                        opened = True
                        yield chunks.first(adjusted, event)
                        adjusted.clear()
                    if kind is Finish:
                        tried = attempts_json(events.route.failed, events.route.runner)
                        yield chunks.last(event, next(iter(usage), None), adjusted, tried)  # type: ignore[arg-type]
                        return
                    if kind is TextDelta:
                        yield piece(event)
                    elif data := _odd_piece(event, events, chunks, adjusted, usage):
                        yield data
                event = await following()
        except StopAsyncIteration:
            yield failed(cut(events.route.delivered))
        except RunnerError as error:
            yield failed(error)


def _odd_piece(
    event: AnyEvent, events: EventStream[Any], chunks: Chunks, *withdrawn: list[Any]
) -> bytes:
    """A chunk that is not plain text. After a restart, the chunks name who answers now; what was
    to be said of the answer before is `withdrawn`.
    """
    if type(event) is Restarted:
        for facts in withdrawn:
            facts.clear()
        chunks.begin(events.route.model or events.route.runner)
    return chunks.piece(event)


def _adjustment(event: Adjusted) -> dict[str, Any]:
    return {"field": event.field, "asked": event.asked, "used": event.used, "why": event.why}


ROUTES = (Route("POST", "/v1/chat/completions", Role.USE, chat, "Continue a conversation"),)
